#include "local/checkpoints.hpp"

#include "local/tree.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace mesos::local {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;
// Ids are names of directories, never of files, so that this one is free.
constexpr const char* kNewFile = "/info.new";

}  // namespace

Result<void> Checkpoints::write(const std::string& path, const std::string& bytes) {
  const std::string whole = directory_ + "/" + path;
  const std::string parent = whole.substr(0, whole.rfind('/'));
  if (auto made = makeDirectories(parent, kDirectoryMode); !made) return made;
  const std::string temporary = parent + kNewFile;
  Descriptor file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (!file) return systemError("Failed to create '" + temporary + "'", errno);
  if (auto written = writeAll(file.get(), bytes); !written) return written;
  if (::rename(temporary.c_str(), whole.c_str()) != 0) {
    return systemError("Failed to write '" + whole + "'", errno);
  }
  return {};
}

void Checkpoints::remove(const std::string& path) { removeTree(directory_ + "/" + path); }

void Checkpoints::clear() { removeTree(directory_); }

std::map<std::string, std::string> Checkpoints::readAll() const {
  namespace fs = std::filesystem;
  std::map<std::string, std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator next(directory_, error), end; !error && next != end;
       next.increment(error)) {
    if (next->is_symlink() || !next->is_regular_file()) continue;
    const std::string path = next->path().string();
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    if (file) files[path.substr(directory_.size() + 1)] = bytes.str();
  }
  return files;
}

}  // namespace mesos::local
