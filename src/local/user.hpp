// The users that tasks run as (fact D10).
#pragma once

#include <mesos/result.hpp>

#include <sys/types.h>

#include <string>
#include <vector>

namespace mesos::local {

/// A user of this machine with everything that a process needs to become it: looked up before a
/// fork, because nothing may be looked up after it.
struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

/// The user that this process runs as; its number as text if it has no name.
std::string currentUserName();
/// An error for a name that this machine does not know.
Result<User> findUser(const std::string& name);
/// Whether processes and files of `user` need another identity than ours.
bool isAnotherUser(const User& user);

/// Lets the calling thread touch files with the rights of `user` from here to its end. Only this
/// thread: the system calls are made directly, since the C library's seteuid() and setgroups() are
/// for all threads at once.
Result<void> actAsOnThisThread(const User& user);

}  // namespace mesos::local
