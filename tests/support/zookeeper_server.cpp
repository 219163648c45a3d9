#include "tests/support/zookeeper_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace mesos::testing {
namespace {

constexpr const char* kJar = "/usr/share/java/zookeeper.jar";
constexpr auto kStartMax = std::chrono::seconds(60);

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t freePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("there is no free port");
  }
  ::close(fd);
  return ntohs(address.sin_port);
}

}  // namespace

ZooKeeperServer::ZooKeeperServer() : port_(freePort()) {
  std::string pattern = std::filesystem::temp_directory_path() / "mesos-zookeeper-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  folder_ = pattern;
  std::ofstream(folder_ + "/zoo.cfg")
      << "tickTime=100\ndataDir=" << folder_ << "/data\nclientPort=" << port_
      << "\nclientPortAddress=127.0.0.1\n"
      << "admin.enableServer=false\nmaxClientCnxns=0\n"
      << "4lw.commands.whitelist=srvr\n";
  start();
}

ZooKeeperServer::~ZooKeeperServer() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string ZooKeeperServer::url(const std::string& path, const std::string& credentials) const {
  return "zk://" + (credentials.empty() ? "" : credentials + "@") +
         "127.0.0.1:" + std::to_string(port_) + path;
}

void ZooKeeperServer::start() {
  launch();
  const auto until = std::chrono::steady_clock::now() + kStartMax;
  while (!answers()) {
    if (std::chrono::steady_clock::now() > until || ::waitpid(process_, nullptr, WNOHANG) != 0) {
      throw std::runtime_error(std::string("ZooKeeper does not start: is Debian's package ") +
                               "zookeeper installed?");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void ZooKeeperServer::launch() {
  const std::string classPath = std::string(kJar) + ":" + folder_;
  const std::string log = folder_ + "/log";
  const std::string configuration = folder_ + "/zoo.cfg";
  process_ = ::fork();
  if (process_ < 0) throw std::runtime_error("cannot fork");
  if (process_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::execlp("java", "java", "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
           classPath.c_str(), "org.apache.zookeeper.server.ZooKeeperServerMain",
           configuration.c_str(), static_cast<char*>(nullptr));
  ::_exit(127);
}

bool ZooKeeperServer::answers() const {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const sockaddr_in address = loopback(port_);
  char byte = 0;
  const bool answered =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::send(fd, "srvr", 4, MSG_NOSIGNAL) == 4 && ::recv(fd, &byte, 1, 0) == 1 && byte == 'Z';
  ::close(fd);
  return answered;
}

void ZooKeeperServer::stop() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = 0;
}

void ZooKeeperServer::pause() { ::kill(process_, SIGSTOP); }

void ZooKeeperServer::resume() { ::kill(process_, SIGCONT); }

}  // namespace mesos::testing
