#include "local/tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

namespace mesos::local {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

Result<Descriptor> enter(int directory, const std::string& name) {
  if (::mkdirat(directory, name.c_str(), 0755) != 0) {
    if (errno != EEXIST) return systemError("Failed to create directory '" + name + "'", errno);
  } else if (::fchmodat(directory, name.c_str(), 0755, 0) != 0) {
    return systemError("Failed to set the mode of '" + name + "'", errno);
  }
  Descriptor opened(::openat(directory, name.c_str(), kDirectoryFlags));
  if (!opened) return systemError("Failed to open directory '" + name + "'", errno);
  return opened;
}

Result<Descriptor> descend(int root, const std::vector<std::string>& components,
                           std::size_t count) {
  Descriptor current(::fcntl(root, F_DUPFD_CLOEXEC, 0));
  if (!current) return systemError("Failed to duplicate a descriptor", errno);
  for (std::size_t i = 0; i < count; ++i) {
    auto next = enter(current.get(), components[i]);
    if (!next) return next;
    current = std::move(next).value();
  }
  return current;
}

bool removeBelow(int parent, const char* name);

// A task may leave directories that not even their owner can enter.
int openForRemoval(int parent, const char* name) {
  const int fd = ::openat(parent, name, kDirectoryFlags);
  if (fd >= 0 || errno != EACCES) return fd;
  ::fchmodat(parent, name, 0700, 0);
  return ::openat(parent, name, kDirectoryFlags);
}

bool emptyDirectory(int fd) {
  const OpenDirectory directory(::fdopendir(fd));
  if (!directory) {
    ::close(fd);
    return false;
  }
  bool removed = true;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    removed = removeBelow(::dirfd(directory.get()), entry->d_name) && removed;
  }
  return removed;
}

bool removeBelow(int parent, const char* name) {
  if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return true;
  if (errno == EACCES) {
    ::fchmod(parent, 0700);
    if (::unlinkat(parent, name, 0) == 0) return true;
  }
  const int fd = openForRemoval(parent, name);
  if (fd < 0) return false;
  return emptyDirectory(fd) && ::unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

}  // namespace

Result<std::vector<std::string>> splitRelative(std::string_view path) {
  const std::string quoted = "'" + std::string(path) + "'";
  if (path.substr(0, 1) == "/") return Error{quoted + " is an absolute path"};
  if (path.find('\0') != path.npos) return Error{quoted + " contains a NUL"};
  std::vector<std::string> components;
  while (!path.empty()) {
    const std::string_view component = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), component.size() + 1));
    if (component.empty() || component == ".") continue;
    if (component == "..") return Error{quoted + " contains '..'"};
    components.emplace_back(component);
  }
  if (components.empty()) return Error{quoted + " names no file"};
  return components;
}

Result<void> makeDirectories(const std::string& path, mode_t mode) {
  for (std::size_t end = 0; end != path.npos;) {
    end = path.find('/', end + 1);
    const std::string prefix = path.substr(0, end);
    if (::mkdir(prefix.c_str(), mode) == 0) {
      if (::chmod(prefix.c_str(), mode) == 0) continue;
    } else if (errno == EEXIST) {
      continue;
    }
    return systemError("Failed to create directory '" + prefix + "'", errno);
  }
  return {};
}

Result<Descriptor> openDirectory(const std::string& path) {
  Descriptor opened(::open(path.c_str(), kDirectoryFlags));
  if (!opened) return systemError("Failed to open directory '" + path + "'", errno);
  return opened;
}

Result<Descriptor> openParent(int root, const std::vector<std::string>& components) {
  return descend(root, components, components.size() - 1);
}

Result<Descriptor> openDirectoryBelow(int root, const std::vector<std::string>& components) {
  return descend(root, components, components.size());
}

Result<Descriptor> createBelow(int root, const std::vector<std::string>& components, mode_t mode) {
  auto parent = openParent(root, components);
  if (!parent) return parent;
  const std::string& name = components.back();
  // O_NONBLOCK: a FIFO of that name must not hold us up.
  Descriptor file(::openat(parent->get(), name.c_str(),
                           O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                           mode));
  if (!file) return systemError("Failed to create '" + name + "'", errno);
  if (::fchmod(file.get(), mode) != 0) {
    return systemError("Failed to set the mode of '" + name + "'", errno);
  }
  return file;
}

Result<void> writeAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return systemError("Failed to write", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

bool removeTree(const std::string& path) { return removeBelow(AT_FDCWD, path.c_str()); }

}  // namespace mesos::local
