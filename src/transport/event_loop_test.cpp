#include "transport/event_loop.hpp"

#include "transport/loopback_testing.hpp"
#include "transport/resolver.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

namespace mesos::transport {
namespace {

using std::chrono::milliseconds;

TEST(EventLoop, RunsPostedTasksInOrderAndNeverInsideTheCall) {
  EventLoop loop;
  std::vector<int> ran;
  loop.post([&] {
    loop.post([&] { ran.push_back(3); });
    ran.push_back(1);
  });
  loop.post([&] { ran.push_back(2); });
  loop.post([&] { loop.post([&] { loop.stop(); }); });
  EXPECT_TRUE(ran.empty());
  loop.run();
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
}

TEST(EventLoop, TellsOnceThatADescriptorIsReadableAndDoesNotCloseIt) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  {
    EventLoop loop;
    int told = 0;
    loop.onReadable(fds[0], [&] {
      ++told;
      loop.post([&] { loop.stop(); });
    });
    loop.onReadable(fds[1], [] {});  // Still waiting when the loop goes.
    ASSERT_EQ(::write(fds[1], "x", 1), 1);
    loop.run();
    EXPECT_EQ(told, 1);
  }
  char byte = 0;
  EXPECT_EQ(::read(fds[0], &byte, 1), 1);
  EXPECT_EQ(::close(fds[0]), 0);
  EXPECT_EQ(::close(fds[1]), 0);
}

TEST(EventLoop, ForgetsACancelledDescriptor) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  EventLoop loop;
  Timer timer(loop);
  const auto registration = loop.onReadable(fds[0], [] { ADD_FAILURE() << "cancelled"; });
  loop.cancelReadable(registration);
  ASSERT_EQ(::write(fds[1], "x", 1), 1);
  timer.set(currentTime().steady + milliseconds(20), [&] { loop.stop(); });
  loop.run();
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST(EventLoop, TellsNoOtherDescriptorOfAnEventThatCameTooLate) {
  int ready[2], quiet[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(quiet), 0);
  ASSERT_EQ(::write(ready[1], "x", 1), 1);
  const int other = ::dup(ready[0]);
  EventLoop loop;
  Timer timer(loop);
  std::uint64_t registrations[2];
  // Both events arrive together; whichever is told first cancels the other, whose place is taken.
  const auto replace = [&](std::size_t own) {
    loop.cancelReadable(registrations[1 - own]);
    loop.onReadable(quiet[0], [] { ADD_FAILURE() << "nobody has written"; });
  };
  registrations[0] = loop.onReadable(ready[0], [&] { replace(0); });
  registrations[1] = loop.onReadable(other, [&] { replace(1); });
  timer.set(currentTime().steady + milliseconds(20), [&] { loop.stop(); });
  loop.run();
  for (const int fd : {ready[0], ready[1], quiet[0], quiet[1], other}) ::close(fd);
}

TEST(EventLoop, SeesAChildExitByItsPidfd) {
  EventLoop loop;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(7);
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  ASSERT_GE(fd, 0);
  loop.onReadable(fd, [&] { loop.stop(); });
  loop.run();
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, WNOHANG), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  ::close(fd);
}

TEST(Timer, FiresOnceAndAPastDeadlineFromTheLoop) {
  EventLoop loop;
  Timer timer(loop);
  int fired = 0;
  timer.set(currentTime().steady - milliseconds(5), [&] { ++fired; });
  EXPECT_EQ(fired, 0);
  Timer end(loop);
  end.set(currentTime().steady + milliseconds(30), [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(fired, 1);
}

TEST(Timer, SettingItAgainReplacesTheDeadline) {
  EventLoop loop;
  Timer timer(loop);
  Timer end(loop);
  timer.set(currentTime().steady, [] { ADD_FAILURE() << "replaced"; });
  int fired = 0;
  timer.set(currentTime().steady + milliseconds(10), [&] {
    // Setting it from its own callback is the usual way.
    timer.set(currentTime().steady + milliseconds(10), [&] { fired = 2; });
    fired = 1;
  });
  end.set(currentTime().steady + milliseconds(60), [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(fired, 2);
}

TEST(Timer, DoesNotFireOnceCancelledOrDestroyed) {
  EventLoop loop;
  Timer cancelled(loop);
  cancelled.set(currentTime().steady, [] { ADD_FAILURE() << "cancelled"; });
  cancelled.cancel();
  {
    Timer destroyed(loop);
    destroyed.set(currentTime().steady, [] { ADD_FAILURE() << "destroyed"; });
  }
  Timer end(loop);
  end.set(currentTime().steady + milliseconds(20), [&] { loop.stop(); });
  loop.run();
}

TEST(Resolver, KnowsNumbersAndLocalhost) {
  EventLoop loop;
  std::vector<std::string> found;
  const auto note = [&](Result<std::string> address) {
    found.push_back(address ? *address : "error: " + address.error().message);
    if (found.size() == 3) loop.stop();
  };
  resolve(loop, "10.1.2.3", note);
  resolve(loop, "localhost", note);
  resolve(loop, "no-such-host.invalid", note);
  loop.run();
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found[0], "10.1.2.3");
  EXPECT_EQ(found[1], "127.0.0.1");
  EXPECT_TRUE(found[2].starts_with("error: cannot resolve \"no-such-host.invalid\": ")) << found[2];
}

}  // namespace
}  // namespace mesos::transport
