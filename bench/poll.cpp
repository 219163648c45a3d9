// Asks for one path from so many connections at once, each again as soon as it has its answer.
// Prints the median and the longest time of an answer, in seconds, and the bytes of the last one.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

namespace {

struct Load {
  std::string host;
  std::uint16_t port = 0;
  std::string path;
  std::size_t pollers = 1;
  std::size_t requests = 50;  // of each poller
};

[[noreturn]] void fail(const std::string& sentence) {
  std::fprintf(stderr, "poll: %s\n", sentence.c_str());
  std::exit(1);
}

class Poller {
 public:
  explicit Poller(const Load& load) : buffer_(std::size_t{1} << 20) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(load.port);
    if (::inet_pton(AF_INET, load.host.c_str(), &address.sin_addr) != 1 ||
        ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      fail("cannot connect to " + load.host);
    }
    request_ = "GET " + load.path + " HTTP/1.1\r\nHost: " + load.host + "\r\n\r\n";
  }
  ~Poller() { ::close(socket_); }
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Bytes of the answer's body.
  std::size_t poll() {
    if (::send(socket_, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size())) {
      fail("cannot send");
    }
    std::string head;
    std::size_t end = 0;
    while ((end = head.find("\r\n\r\n")) == std::string::npos) {
      head.append(buffer_.data(), receive(buffer_.size()));
    }
    end += 4;
    const std::size_t body = lengthIn(head.substr(0, end));
    for (std::size_t left = body - (head.size() - end); left > 0;) {
      left -= receive(std::min(left, buffer_.size()));
    }
    return body;
  }

 private:
  std::size_t receive(std::size_t bytes) {
    const ssize_t got = ::recv(socket_, buffer_.data(), bytes, 0);
    if (got <= 0) fail("an answer ends early");
    return static_cast<std::size_t>(got);
  }

  static std::size_t lengthIn(const std::string& head) {
    const std::string key = "Content-Length: ";
    const auto at = head.find(key);
    if (!head.starts_with("HTTP/1.1 200") || at == std::string::npos) fail("no answer: " + head);
    return std::stoul(head.substr(at + key.size()));
  }

  int socket_ = -1;
  std::string request_;
  std::vector<char> buffer_;
};

}  // namespace

int main(int argc, char** argv) {
  Load load;
  CLI::App app("Asks for one path from so many connections at once.", "poll");
  app.add_option("HOST", load.host, "Its IPv4 address")->required();
  app.add_option("PORT", load.port)->required();
  app.add_option("PATH", load.path)->required();
  app.add_option("--pollers", load.pollers)->capture_default_str();
  app.add_option("--requests", load.requests, "Of each poller")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  std::vector<std::vector<double>> times(load.pollers);
  std::vector<std::thread> threads;
  std::size_t bytes = 0;
  for (auto& taken : times) {
    threads.emplace_back([&load, &taken, &bytes, isFirst = &taken == &times.front()] {
      Poller poller(load);
      for (std::size_t i = 0; i < load.requests; ++i) {
        const auto began = std::chrono::steady_clock::now();
        const std::size_t got = poller.poll();
        taken.push_back(
            std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
        if (isFirst) bytes = got;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<double> all;
  for (const auto& taken : times) all.insert(all.end(), taken.begin(), taken.end());
  std::sort(all.begin(), all.end());
  std::printf("median %.6f longest %.6f bytes %zu\n", all[all.size() / 2], all.back(), bytes);
}
