#include "scheduler/framework_id_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace mesos::scheduler {
namespace {

/// What Mesos takes as an id (fact L1).
constexpr std::size_t kIdBytesMax = 255;

bool isId(std::string_view id) {
  if (id.empty() || id.size() > kIdBytesMax || id == "." || id == "..") return false;
  return std::none_of(id.begin(), id.end(), [](char c) {
    return c == '/' || c == '\\' || c == 0x7f || (static_cast<unsigned char>(c) < 0x20);
  });
}

Error failed(const std::string& what, const std::string& path) {
  return Error{"cannot " + what + " " + path + ": " + std::strerror(errno)};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { (void)close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  bool isOpen() const { return fd_ >= 0; }
  bool close() {
    const int fd = fd_;
    fd_ = -1;
    return fd < 0 || ::close(fd) == 0;
  }

 private:
  int fd_;
};

bool writeAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string directoryOf(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<std::optional<std::string>> readFrameworkId(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.isOpen()) {
    if (errno == ENOENT) return std::optional<std::string>();
    return failed("read", path);
  }
  std::array<char, kIdBytesMax + 3> buffer{};
  const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
  if (count < 0) return failed("read", path);
  std::string_view id(buffer.data(), static_cast<std::size_t>(count));
  if (id.ends_with('\n')) id.remove_suffix(1);
  if (!isId(id)) {
    return Error{path +
                 " does not hold a framework id. If no framework is to be resumed, delete it"};
  }
  return std::optional<std::string>(id);
}

Result<void> writeFrameworkId(const std::string& path, const std::string& id) {
  const std::string temporary = path + ".new";
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.isOpen()) return failed("write", temporary);
  if (!writeAll(file.get(), id + "\n") || ::fsync(file.get()) != 0 || !file.close()) {
    return failed("write", temporary);
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return failed("write", path);
  const std::string directory = directoryOf(path);
  const Descriptor parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent.isOpen() || ::fsync(parent.get()) != 0) return failed("write to", directory);
  return {};
}

}  // namespace mesos::scheduler
