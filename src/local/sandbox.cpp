#include "local/sandbox.hpp"

#include "local/tree.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

namespace mesos::local {
namespace {

Result<void> give(int fd, const User& user, mode_t mode) {
  if (isAnotherUser(user) && ::fchown(fd, user.uid, user.gid) != 0) {
    return systemError("cannot give it to user '" + user.name + "'", errno);
  }
  if (::fchmod(fd, mode) != 0) return systemError("cannot set its mode", errno);
  return {};
}

Result<void> createOutputs(int sandbox, const User& user) {
  for (const char* name : {"stdout", "stderr"}) {
    auto file = createBelow(sandbox, {name}, 0644);
    if (!file) return file.error();
    auto given = give(file->get(), user, 0644);
    if (!given) return given;
  }
  return {};
}

// By way of a rename, so that whoever reads `latest` finds the old run or the new one.
Result<void> pointLatestTo(const std::string& path) {
  const std::string link = path.substr(0, path.rfind('/')) + "/latest";
  const std::string fresh = link + ".new";
  ::unlink(fresh.c_str());
  if (::symlink(path.c_str(), fresh.c_str()) != 0 ||
      std::rename(fresh.c_str(), link.c_str()) != 0) {
    return systemError("cannot make the link '" + link + "'", errno);
  }
  return {};
}

Result<void> create(const std::string& path, const User& user) {
  auto made = makeDirectories(path, 0755);
  if (!made) return made;
  auto sandbox = openDirectory(path);
  if (!sandbox) return sandbox.error();
  // The user gets it last: until then nobody else can put anything in the way.
  auto outputs = createOutputs(sandbox->get(), user);
  if (!outputs) return outputs;
  auto given = give(sandbox->get(), user, 0750);
  if (!given) return given;
  return pointLatestTo(path);
}

}  // namespace

Result<void> createSandbox(const std::string& path, const User& user) {
  auto created = create(path, user);
  if (created) return created;
  return Error{"Failed to create executor directory '" + path + "': " + created.error().message};
}

}  // namespace mesos::local
