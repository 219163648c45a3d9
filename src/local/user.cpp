#include "local/user.hpp"

#include "local/descriptor.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace mesos::local {
namespace {

constexpr std::size_t kEntryBytes = 64 * 1024;

std::vector<gid_t> ownGroups() {
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(0, count)));
  return groups;
}

std::vector<gid_t> groupsOf(const std::string& name, gid_t gid) {
  std::vector<gid_t> groups(64);
  int count = static_cast<int>(groups.size());
  if (::getgrouplist(name.c_str(), gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(name.c_str(), gid, groups.data(), &count) < 0) count = 0;
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

}  // namespace

std::string currentUserName() {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(kEntryBytes);
  ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found ? found->pw_name : std::to_string(::geteuid());
}

Result<User> findUser(const std::string& name) {
  // Every container asks; who we are stays.
  static const std::string ourName = currentUserName();
  if (name == ourName) return User{name, ::geteuid(), ::getegid(), ownGroups()};
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(kEntryBytes);
  const int code = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found) return User{name, entry.pw_uid, entry.pw_gid, groupsOf(name, entry.pw_gid)};
  if (code != 0 && code != ENOENT)
    return systemError("Failed to look up user '" + name + "'", code);
  return Error{"No such user '" + name + "'"};
}

bool isAnotherUser(const User& user) { return user.uid != ::geteuid(); }

Result<void> actAsOnThisThread(const User& user) {
  // Root sets all of it in any case: a thread begins as the thread that made it.
  if (!isAnotherUser(user) && ::geteuid() != 0) return {};
  if (::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) != 0) {
    return systemError("Failed to take the groups of user '" + user.name + "'", errno);
  }
  ::setfsgid(user.gid);
  ::setfsuid(user.uid);
  // These two report nothing; asking for an impossible id tells the one in force.
  if (::setfsgid(static_cast<gid_t>(-1)) != static_cast<int>(user.gid) ||
      ::setfsuid(static_cast<uid_t>(-1)) != static_cast<int>(user.uid)) {
    return Error{"Failed to act as user '" + user.name + "': not permitted"};
  }
  return {};
}

}  // namespace mesos::local
