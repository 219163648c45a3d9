// File descriptors and directories that close themselves, and what errno says.
#pragma once

#include <mesos/result.hpp>

#include <dirent.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace mesos::local {

/// Owns one file descriptor; -1 is none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
/// For readdir(3).
using OpenDirectory = std::unique_ptr<DIR, CloseDirectory>;

/// "WHAT: No such file or directory", of a given errno.
inline Error systemError(const std::string& what, int code) {
  return Error{what + ": " + std::strerror(code)};
}

}  // namespace mesos::local
