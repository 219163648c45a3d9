// A complete Mesos executor: serves each task's data over HTTP, on the first port of the task.
#include <mesos/executor.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <thread>

using namespace mesos;

// As small as a web server can be: one client at a time, one answer whatever the question.
class WebServer {
 public:
  explicit WebServer(std::string content) : content_(std::move(content)) {}
  ~WebServer() {
    shutdown(fd_, SHUT_RDWR);  // accept() returns, and the thread ends.
    if (thread_.joinable()) thread_.join();
    close(fd_);
  }

  bool listenOn(std::uint16_t port) {
    const int yes = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;
    if (listen(fd_, SOMAXCONN) != 0) return false;
    thread_ = std::thread([this] { serve(); });
    return true;
  }

 private:
  void serve() const {
    for (int client = accept(fd_, nullptr, nullptr); client >= 0;
         client = accept(fd_, nullptr, nullptr)) {
      char request[4096];
      const std::string response = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " +
                                   std::to_string(content_.size()) + "\r\n\r\n" + content_;
      if (recv(client, request, sizeof request, 0) > 0) {
        send(client, response.data(), response.size(), MSG_NOSIGNAL);
      }
      close(client);
    }
  }

  const std::string content_;
  const int fd_ = socket(AF_INET, SOCK_STREAM, 0);
  std::thread thread_;
};

class MinimalExecutor : public Executor {
 public:
  void launchTask(ExecutorDriver* driver, const TaskInfo& task) override {
    driver->sendStatusUpdate(makeStatus(task.task_id(), TASK_STARTING));
    std::uint16_t port = 0;
    for (const Resource& resource : task.resources()) {
      if (resource.name() == "ports") {
        port = static_cast<std::uint16_t>(resource.ranges().range(0).begin());
      }
    }
    const std::string& id = task.task_id().value();
    const bool listens = servers_.try_emplace(id, task.data()).first->second.listenOn(port);
    if (!listens) servers_.erase(id);
    driver->sendStatusUpdate(makeStatus(task.task_id(), listens ? TASK_RUNNING : TASK_FAILED));
    std::printf("Task %s %s port %d\n", id.c_str(), listens ? "serves on" : "cannot have", port);
  }
  void killTask(ExecutorDriver* driver, const TaskID& task, const KillPolicy*) override {
    if (servers_.erase(task.value()) == 0) return;  // It has ended already.
    driver->sendStatusUpdate(makeStatus(task, TASK_KILLED));
    if (servers_.empty()) driver->stop();  // Mesos never ends an idle executor.
  }

 private:
  std::map<std::string, WebServer> servers_;  // By task id.
};

int main() {
  MinimalExecutor executor;
  MesosExecutorDriver driver(&executor);  // Reads the MESOS_* variables that the agent sets.
  return driver.run() == DRIVER_STOPPED ? 0 : 1;
}
