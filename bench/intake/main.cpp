// One run of a client against the replay master, or of the limit that no client can beat:
//
//     intake_replay client updates|offers EVENTS PROGRAM    PROGRAM HOST:PORT is the client
//     intake_replay limit updates|offers EVENTS             the same events in this process
//
// Prints one line of JSON: the client's CPU seconds (of all its threads, from its start to its
// end), and what bench/intake.py makes figures of.
#include "bench/bench.hpp"
#include "bench/intake/events.hpp"
#include "bench/intake/replay.hpp"

#include <mesos/v1/scheduler/scheduler.pb.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using mesos::v1::scheduler::Call;
using mesos::v1::scheduler::Event;

constexpr auto kPatience = std::chrono::seconds(60);  // Without any acknowledgement.

[[noreturn]] void fail(const std::string& sentence) {
  std::fprintf(stderr, "error: %s\n", sentence.c_str());
  std::exit(1);
}

struct Client {
  pid_t pid = 0;
  int in = -1;
  int out = -1;
};

// Before there is much memory: what a process has before its exec counts as its own. It waits for
// the port.
Client fork(const char* program) {
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) fail("no pipe");
  const pid_t pid = ::fork();
  if (pid < 0) fail("no process");
  if (pid == 0) {
    int port = 0;
    if (::read(in[0], &port, sizeof(port)) != sizeof(port)) ::_exit(127);
    const std::string address = "127.0.0.1:" + std::to_string(port);
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::execl(program, program, address.c_str(), nullptr);
    std::perror(program);
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  return {pid, in[1], out[0]};
}

std::string readAll(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

// Until the last acknowledgement is here.
void serve(bench::Replay& replay, pid_t client) {
  auto lastAt = Clock::now();
  std::size_t last = 0;
  while (!replay.done()) {
    if (const auto problem = replay.serve()) fail(*problem);
    const auto now = Clock::now();
    if (replay.acknowledged() != last) {
      last = replay.acknowledged();
      lastAt = now;
    }
    if (::waitpid(client, nullptr, WNOHANG) != 0) fail("the client has ended by itself");
    if (now - lastAt > kPatience) {
      ::kill(client, SIGKILL);
      fail("after " + std::to_string(last) + " acknowledgements the client is silent");
    }
  }
}

void runClient(bool updates, std::size_t events, const char* program) {
  const Client client = fork(program);
  const bench::Stream stream = updates ? bench::updateStream(events) : bench::offersStream(events);
  bench::Replay replay(stream);
  const int port = replay.port();
  const auto began = Clock::now();
  if (::write(client.in, &port, sizeof(port)) != sizeof(port)) fail("the client is gone");
  serve(replay, client.pid);
  const std::chrono::duration<double> wall = Clock::now() - began;
  // mesos-go acknowledges first, and counts then.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ::close(client.in);
  const std::string told = readAll(client.out);
  int status = 0;
  rusage usage{};
  // It says farewell, which somebody must hear.
  while (::wait4(client.pid, &status, WNOHANG, &usage) == 0) replay.serve();
  if (status != 0) fail("the client ended with " + std::to_string(status));
  const std::size_t offers = updates ? 0 : events * bench::kOffers;
  const std::string expected = "updates " + std::to_string(stream.updates) + " offers " +
                               std::to_string(offers) + " resources " +
                               std::to_string(offers * bench::kResources) + "\n";
  if (told != expected) fail("the client has counted " + told + "and not " + expected);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  std::printf("{\"cpu\": %.6f, \"wall\": %.6f, \"rss\": %ld}\n",
              seconds(usage.ru_utime) + seconds(usage.ru_stime), wall.count(),
              usage.ru_maxrss * 1024);
}

// Bare parsing: the same bytes into one message, over and over again.
double limitOfOffers(std::size_t events) {
  std::vector<std::string> distinct;
  for (std::size_t i = 0; i < 50; ++i) distinct.push_back(bench::offersEvent(i));
  Event event;
  return bench::secondsOf(3, [&] {
    for (std::size_t i = 0; i < events; ++i) {
      if (!event.ParseFromString(distinct[i % distinct.size()])) fail("an event is none");
      bench::keep(event);
    }
  });
}

// What takes the bytes away, on a thread of its own.
class Sink {
 public:
  Sink() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets_) != 0) fail("no sockets");
    thread_ = std::thread([fd = sockets_[1]] {
      std::vector<char> buffer(256 * 1024);
      while (::read(fd, buffer.data(), buffer.size()) > 0) {
      }
    });
  }
  ~Sink() {
    ::shutdown(sockets_[0], SHUT_WR);
    thread_.join();
    ::close(sockets_[0]);
    ::close(sockets_[1]);
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void write(const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t n = ::write(sockets_[0], bytes.data() + at, bytes.size() - at);
      if (n <= 0) fail("nothing can be written");
      at += static_cast<std::size_t>(n);
    }
  }

 private:
  int sockets_[2] = {};
  std::thread thread_;
};

// Appends an acknowledgement as a request. Everything that can be reused is.
void appendAcknowledgement(std::string& out, const Event& event, Call& call) {
  static const std::string kHead =
      "POST /api/v1/scheduler HTTP/1.1\r\nHost: 127.0.0.1:5050\r\n"
      "Accept: application/x-protobuf\r\nContent-Type: application/x-protobuf\r\n"
      "Mesos-Stream-Id: 130ae4e3-6b13-4ef4-baa9-9f2e85c3e9af\r\nContent-Length: ";
  const mesos::v1::TaskStatus& status = event.update().status();
  auto& acknowledge = *call.mutable_acknowledge();
  *acknowledge.mutable_agent_id() = status.agent_id();
  *acknowledge.mutable_task_id() = status.task_id();
  acknowledge.set_uuid(status.uuid());
  out += kHead;
  out += std::to_string(call.ByteSizeLong());
  out += "\r\n\r\n";
  call.AppendToString(&out);
}

// Parsing, building the acknowledgements, and one write for the events of one read of 64 KiB.
double limitOfUpdates(std::size_t events) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < events; ++i) all.push_back(bench::updateEvent(i));
  const std::size_t batch = 65536 / all.front().size();
  Event event;
  Call call;
  call.set_type(Call::ACKNOWLEDGE);
  call.mutable_framework_id()->set_value("5b1bb2f5-ae36-4be8-9b0e-2e1a1d4f7ac1-0000");
  Sink sink;
  std::string out;
  return bench::secondsOf(3, [&] {
    for (std::size_t i = 0; i < events; ++i) {
      if (!event.ParseFromString(all[i])) fail("an event is none");
      appendAcknowledgement(out, event, call);
      if ((i + 1) % batch != 0 && i + 1 != events) continue;
      sink.write(out);
      out.clear();
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool isClient = words.size() == 4 && words[0] == "client";
  const bool isLimit = words.size() == 3 && words[0] == "limit";
  const std::size_t events = isClient || isLimit ? std::strtoul(words[2].c_str(), nullptr, 10) : 0;
  const bool updates = events > 0 && words[1] == "updates";
  if (events == 0 || (!updates && (words[1] != "offers" || events % 50 != 0))) {
    std::fprintf(stderr, "Usage: intake_replay client|limit updates|offers EVENTS [PROGRAM]\n");
    return 2;
  }
  if (isClient) {
    runClient(updates, events, words[3].c_str());
  } else {
    std::printf("{\"cpu\": %.6f}\n", updates ? limitOfUpdates(events) : limitOfOffers(events));
  }
}
