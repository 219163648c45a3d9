#include "store/lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace mesos::store {
namespace {

/// " (pid 123)", as the holder wrote it; empty if it has not yet.
std::string holder(int fd) {
  std::array<char, 16> text{};
  const ssize_t length = ::pread(fd, text.data(), text.size() - 1, 0);
  const std::string pid(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  const bool isNumber = !pid.empty() && pid.find_first_not_of("0123456789") == std::string::npos;
  return isNumber ? " (pid " + pid + ")" : "";
}

}  // namespace

Result<std::unique_ptr<Store::Lock>> Store::Lock::take(const std::string& directory) {
  const std::string path = directory + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Error{"cannot open " + path + ": " + std::strerror(errno)};
  std::unique_ptr<Lock> lock(new Lock(fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error{"cannot lock " + path + ": " + std::strerror(errno)};
    return Error{"another scheduler" + holder(fd) + " uses the state in " + directory +
                 ": end it first, or give this one a directory of its own"};
  }
  // Its last holder may have deleted it (Store::erase) after it was opened here.
  struct stat held {
  }, named{};
  const bool isCurrent =
      ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino;
  if (!isCurrent) return take(directory);
  // For the sentence above; the lock does not depend on it.
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd, 0) == 0) (void)!::pwrite(fd, pid.data(), pid.size(), 0);
  return lock;
}

Store::Lock::~Lock() { ::close(fd_); }

}  // namespace mesos::store
