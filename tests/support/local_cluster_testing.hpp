// The embedded cluster from outside, for tests: HTTP and JSON over real sockets, real processes.
#pragma once

#include "base/random.hpp"
#include "transport/http_client.hpp"

#include <mesos/local_cluster.hpp>

#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace mesos {

using protocol::Address;
using protocol::Request;
using protocol::Response;
using std::chrono::milliseconds;

inline constexpr auto kPatience = std::chrono::seconds(20);

inline bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

inline bool isAlive(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const std::size_t end = stat.rfind(')');
  return end != stat.npos && stat[end + 2] != 'Z' && stat[end + 2] != 'X';
}

// A loop on a thread of its own, for clients.
class LoopThread {
 public:
  LoopThread() : thread_([this] { loop_.run(); }) {}
  ~LoopThread() {
    loop_.stop();
    thread_.join();
  }
  transport::EventLoop& loop() { return loop_; }
  void call(const std::function<void()>& task) {
    std::promise<void> done;
    loop_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

 private:
  transport::EventLoop loop_;
  std::thread thread_;
};

// One request, one answer. Status 0: the connection was closed without one.
inline Response ask(LoopThread& thread, const std::string& address, Request request) {
  std::promise<Response> answered;
  Response response{0, {}, ""};
  std::unique_ptr<transport::HttpConnection> connection;
  bool done = false;
  const auto finish = [&] {
    if (!std::exchange(done, true)) answered.set_value(response);
  };
  transport::HttpConnection::Handlers handlers;
  handlers.onResponse = [&](const protocol::ResponseHead& head) {
    response.status = head.status;
    response.headers = head.headers;
  };
  handlers.onBytes = [&](std::string_view bytes) { response.body += bytes; };
  handlers.onBodyEnd = finish;
  handlers.onClosed = [&](const std::string&) { finish(); };
  thread.call([&] {
    connection = std::make_unique<transport::HttpConnection>(thread.loop(), handlers);
    connection->connect(*protocol::parseAddress(address));
    connection->send(std::move(request));
  });
  response = answered.get_future().get();
  thread.call([&] { connection.reset(); });
  return response;
}

// A scheduler that speaks JSON.
class TestScheduler {
 public:
  using Event = std::shared_ptr<rapidjson::Document>;

  /// `info`: more of its FrameworkInfo, such as "\"checkpoint\":true".
  explicit TestScheduler(std::string master, const std::string& user = "root",
                         const std::string& info = "")
      : master_(std::move(master)),
        info_(R"("user":")" + user + R"(","name":"test","failover_timeout":100)" +
              (info.empty() ? "" : "," + info)) {
    subscribe();
  }
  ~TestScheduler() {
    thread_.call([this] { stream_.reset(); });
  }

  // On a new connection, under the same id.
  void resubscribe() {
    thread_.call([this] { stream_.reset(); });
    {
      const std::lock_guard lock(mutex_);
      ended_ = false;
      buffer_.clear();
      events_.clear();
    }
    // A master that starts again refuses connections for a moment.
    Request health;
    health.target = "/health";
    EXPECT_TRUE(eventually([&] { return ask(thread_, master_, health).status == 200; }));
    subscribe();
  }

  // The next event of that type; others are kept for later.
  Event next(const std::string& type) {
    std::unique_lock lock(mutex_);
    for (;;) {
      for (auto event = events_.begin(); event != events_.end(); ++event) {
        if ((**event)["type"].GetString() != type) continue;
        const Event found = *event;
        events_.erase(event);
        return found;
      }
      if (ended_ || changed_.wait_for(lock, kPatience) == std::cv_status::timeout) {
        ADD_FAILURE() << "no " << type;
        return parse(R"({"type":"NONE"})");
      }
    }
  }
  bool hasEnded() {
    return eventually([this] {
      const std::lock_guard lock(mutex_);
      return ended_;
    });
  }
  int call(const std::string& fields) {
    auto post = request(R"({"framework_id":{"value":")" + frameworkId_ + "\"}," + fields + "}");
    post.headers.add("Mesos-Stream-Id", streamId_);
    return ask(thread_, master_, std::move(post)).status;
  }
  // Waits for an offer and launches a task with 0.1 cpus on it. `command` is a CommandInfo.
  void launch(const std::string& taskId, const std::string& command) {
    const Event event = next("OFFERS");
    const auto& offer = (*event)["offers"]["offers"][0];
    agentId_ = offer["agent_id"]["value"].GetString();
    const std::string offerId = offer["id"]["value"].GetString();
    const std::string task =
        R"({"name":"t","task_id":{"value":")" + taskId + R"("},"agent_id":{"value":")" + agentId_ +
        R"("},"command":)" + command +
        R"(,"resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":0.1}},)"
        R"({"name":"mem","type":"SCALAR","scalar":{"value":32}}]})";
    EXPECT_EQ(call(R"("type":"ACCEPT","accept":{"offer_ids":[{"value":")" + offerId +
                   R"("}],"operations":[{"type":"LAUNCH","launch":{"task_infos":[)" + task +
                   R"(]}}],"filters":{"refuse_seconds":0}})"),
              202);
  }
  // The next status, acknowledged.
  Event status() {
    Event event = next("UPDATE");
    if (!event->HasMember("update")) return event;
    const auto& status = (*event)["update"]["status"];
    if (status.HasMember("uuid")) {
      call(R"("type":"ACKNOWLEDGE","acknowledge":{"agent_id":{"value":")" + agentId_ +
           R"("},"task_id":{"value":")" + status["task_id"]["value"].GetString() +
           R"("},"uuid":")" + status["uuid"].GetString() + "\"}");
    }
    return event;
  }
  // States until the terminal one, then its message.
  std::string story() {
    std::string story;
    for (;;) {
      const Event event = status();
      if (!event->HasMember("update")) return story + "nothing";
      const auto& status = (*event)["update"]["status"];
      const std::string state = status["state"].GetString();
      story += state;
      if (state != "TASK_STARTING" && state != "TASK_RUNNING") {
        reason_ = status.HasMember("reason") ? status["reason"].GetString() : "";
        message_ = status.HasMember("message") ? status["message"].GetString() : "";
        return story;
      }
      story += ' ';
    }
  }
  void kill(const std::string& taskId) {
    EXPECT_EQ(call(R"("type":"KILL","kill":{"task_id":{"value":")" + taskId + "\"}}"), 202);
  }
  // Of the latest run of a task's executor.
  std::string readFile(const std::string& agent, const std::string& taskId,
                       const std::string& name) {
    Request get;
    get.target = "/files/read?offset=0&path=/frameworks/" + frameworkId_ + "/executors/" + taskId +
                 "/runs/latest/" + name;
    const Response response = ask(thread_, agent, get);
    if (response.status != 200) return "";
    const Event document = parse(response.body);
    return (*document)["data"].GetString();
  }

  LoopThread& thread() { return thread_; }
  const std::string& frameworkId() const { return frameworkId_; }
  const std::string& agentId() const { return agentId_; }
  const std::string& message() const { return message_; }
  const std::string& reason() const { return reason_; }

 private:
  void subscribe() {
    transport::HttpConnection::Handlers handlers;
    handlers.onResponse = [this](const protocol::ResponseHead& head) {
      const std::lock_guard lock(mutex_);
      if (const auto* id = head.headers.find("Mesos-Stream-Id")) streamId_ = *id;
    };
    handlers.onBytes = [this](std::string_view bytes) { onBytes(bytes); };
    const auto end = [this] {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      changed_.notify_all();
    };
    handlers.onBodyEnd = end;
    handlers.onClosed = [end](const std::string&) { end(); };
    thread_.call([&] {
      stream_ = std::make_unique<transport::HttpConnection>(thread_.loop(), handlers);
      stream_->connect(*protocol::parseAddress(master_));
      const std::string id = R"({"value":")" + frameworkId_ + "\"}";
      stream_->send(request(R"({"type":"SUBSCRIBE",)" +
                            (frameworkId_.empty() ? "" : R"("framework_id":)" + id + ",") +
                            R"("subscribe":{"framework_info":{)" + info_ +
                            (frameworkId_.empty() ? "" : R"(,"id":)" + id) + "}}}"));
    });
    const Event subscribed = next("SUBSCRIBED");
    frameworkId_ = (*subscribed)["subscribed"]["framework_id"]["value"].GetString();
  }

  static Event parse(const std::string& text) {
    auto document = std::make_shared<rapidjson::Document>();
    document->Parse(text.data(), text.size());
    EXPECT_FALSE(document->HasParseError()) << text;
    return document;
  }
  static Request request(std::string body) {
    Request post;
    post.method = "POST";
    post.target = "/api/v1/scheduler";
    post.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    post.body = std::move(body);
    return post;
  }
  void onBytes(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    buffer_ += bytes;
    for (;;) {
      const std::size_t line = buffer_.find('\n');
      if (line == std::string::npos) break;
      const std::size_t size = std::stoul(buffer_.substr(0, line));
      if (buffer_.size() < line + 1 + size) break;
      take(parse(buffer_.substr(line + 1, size)));
      buffer_.erase(0, line + 1 + size);
    }
    changed_.notify_all();
  }

  // An offer that is rescinded before anybody looked at it is as if it had never come.
  void take(const Event& event) {
    if (std::string_view((*event)["type"].GetString()) != "RESCIND")
      return events_.push_back(event);
    const std::string id = (*event)["rescind"]["offer_id"]["value"].GetString();
    std::erase_if(events_, [&](const Event& other) {
      if (!other->HasMember("offers")) return false;
      const auto& offers = (*other)["offers"]["offers"];
      return offers.Size() == 1 && offers[0]["id"]["value"].GetString() == id;
    });
  }

  LoopThread thread_;
  std::string master_;
  std::string info_;
  std::unique_ptr<transport::HttpConnection> stream_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string buffer_;
  std::deque<Event> events_;
  bool ended_ = false;
  std::string streamId_;
  std::string frameworkId_;
  std::string agentId_;
  std::string message_;
  std::string reason_;
};

inline LocalClusterOptions smallCluster() {
  LocalClusterOptions options;
  options.port = 0;
  options.agentPort = 0;
  options.resources = "cpus:2;mem:512;disk:100;ports:[31000-31009]";
  options.seed = 1;
  options.flags = {{"allocation_interval", "20ms"}, {"registration_backoff_factor", "5ms"}};
  return options;
}

inline std::unique_ptr<LocalCluster> startCluster(LocalClusterOptions options = smallCluster()) {
  auto cluster = LocalCluster::start(std::move(options));
  EXPECT_TRUE(cluster) << cluster.error().message;
  return cluster ? std::move(cluster).value() : nullptr;
}

inline std::string shell(const std::string& command) { return R"({"value":")" + command + "\"}"; }

}  // namespace mesos
