// The embedded cluster from outside: HTTP and JSON over real sockets, real processes.
#include <mesos/local_cluster.hpp>

#include "base/random.hpp"
#include "transport/http_client.hpp"
#include "transport/http_server.hpp"

#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

namespace mesos {
namespace {

using protocol::Address;
using protocol::Request;
using protocol::Response;
using std::chrono::milliseconds;

constexpr auto kPatience = std::chrono::seconds(20);

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

bool isAlive(pid_t pid) {
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
Response ask(LoopThread& thread, const std::string& address, Request request) {
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

  explicit TestScheduler(std::string master, const std::string& user = "root")
      : master_(std::move(master)) {
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
      stream_->send(request(R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":")" +
                            user + R"(","name":"test","failover_timeout":100}}})"));
    });
    const Event subscribed = next("SUBSCRIBED");
    frameworkId_ = (*subscribed)["subscribed"]["framework_id"]["value"].GetString();
  }
  ~TestScheduler() {
    thread_.call([this] { stream_.reset(); });
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
  const std::string& message() const { return message_; }
  const std::string& reason() const { return reason_; }

 private:
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
      events_.push_back(parse(buffer_.substr(line + 1, size)));
      buffer_.erase(0, line + 1 + size);
    }
    changed_.notify_all();
  }

  LoopThread thread_;
  std::string master_;
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

LocalClusterOptions smallCluster() {
  LocalClusterOptions options;
  options.port = 0;
  options.agentPort = 0;
  options.resources = "cpus:2;mem:512;disk:100;ports:[31000-31009]";
  options.seed = 1;
  options.flags = {{"allocation_interval", "20ms"}, {"registration_backoff_factor", "5ms"}};
  return options;
}

std::unique_ptr<LocalCluster> startCluster(LocalClusterOptions options = smallCluster()) {
  auto cluster = LocalCluster::start(std::move(options));
  EXPECT_TRUE(cluster) << cluster.error().message;
  return cluster ? std::move(cluster).value() : nullptr;
}

std::string shell(const std::string& command) { return R"({"value":")" + command + "\"}"; }

std::string fetching(const std::string& uri) {
  return R"({"value":"cat inside","uris":[{"value":")" + uri + "\"}]}";
}

TEST(LocalCluster, RunsACommandTaskAndShowsItsOutput) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  scheduler.launch("t1", shell("echo hello from $MESOS_EXECUTOR_ID"));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FINISHED");
  EXPECT_EQ(scheduler.readFile(cluster->agent(0), "t1", "stdout"), "hello from t1\n");
}

TEST(LocalCluster, SaysWhatItOffers) {
  const auto cluster = startCluster();
  EXPECT_EQ(cluster->agentResources(0), "cpus 2, mem 512, ports 31000-31009");
}

TEST(LocalCluster, ReportsFailuresOfCommands) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  scheduler.launch("t1", shell("exit 3"));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FAILED");
  EXPECT_EQ(scheduler.message(), "Command exited with status 3");
  scheduler.launch("t2", R"({"shell":false,"value":"no-such-program","arguments":["x"]})");
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FAILED");
  EXPECT_EQ(scheduler.message(), "Command exited with status 1");
  scheduler.launch("t3", shell("kill -9 $$"));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FAILED");
  EXPECT_EQ(scheduler.message(), "Command terminated with signal Killed");
}

TEST(LocalCluster, RefusesATaskOfAnUnknownUser) {
  auto options = smallCluster();
  options.flags["switch_user"] = "true";
  const auto cluster = startCluster(options);
  TestScheduler scheduler(cluster->master(), "no-such-user-here");
  scheduler.launch("t1", shell("true"));
  EXPECT_EQ(scheduler.story(), "TASK_LOST");
  EXPECT_EQ(scheduler.reason(), "REASON_EXECUTOR_TERMINATED");
  EXPECT_NE(scheduler.message().find("Failed to create executor directory"), std::string::npos)
      << scheduler.message();
}

TEST(LocalCluster, FetchesFilesOverHttpAndFromDisk) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  LoopThread serving;
  std::unique_ptr<transport::HttpServer> server;
  serving.call([&] {
    server = std::move(transport::HttpServer::listen(
                           serving.loop(), {},
                           [](const auto& exchange, const Request& request) {
                             const bool known = request.target == "/inside";
                             exchange->respond({known ? 200 : 404, {}, "over http"});
                           }))
                 .value();
  });
  const std::string base = "http://127.0.0.1:" + std::to_string(server->port());
  scheduler.launch("t1", fetching(base + "/inside"));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FINISHED");
  EXPECT_EQ(scheduler.readFile(cluster->agent(0), "t1", "stdout"), "over http");

  scheduler.launch("t2", fetching(base + "/missing"));
  EXPECT_EQ(scheduler.story(), "TASK_FAILED");
  EXPECT_EQ(scheduler.reason(), "REASON_CONTAINER_LAUNCH_FAILED");
  EXPECT_NE(scheduler.message().find("Failed to launch container: Failed to fetch all URIs for "
                                     "container '"),
            std::string::npos)
      << scheduler.message();
  EXPECT_NE(scheduler.readFile(cluster->agent(0), "t2", "stderr").find("404"), std::string::npos);

  const std::string archive = cluster->workDir() + "/a.tar.gz";
  const std::string make = "cd " + cluster->workDir() +
                           " && printf 'from an archive' > inside && tar czf a.tar.gz inside && "
                           "printf 'escaped' > ../inside.$$ && tar czPf evil.tgz ../inside.$$; "
                           "rm -f ../inside.$$";
  ASSERT_EQ(std::system(make.c_str()), 0);
  scheduler.launch("t3", fetching("file://" + archive));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FINISHED");
  EXPECT_EQ(scheduler.readFile(cluster->agent(0), "t3", "stdout"), "from an archive");
  scheduler.launch("t4", fetching(cluster->workDir() + "/evil.tgz"));
  EXPECT_EQ(scheduler.story(), "TASK_FAILED");
  serving.call([&] { server.reset(); });
}

TEST(LocalCluster, KillsTheWholeTreeOfATask) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  scheduler.launch("t1", shell("setsid sleep 1000 & echo $!; sleep 1000 & echo $!; wait"));
  const auto lines = [&] { return scheduler.readFile(cluster->agent(0), "t1", "stdout"); };
  ASSERT_TRUE(eventually([&] {
    const std::string text = lines();
    return std::count(text.begin(), text.end(), '\n') == 2;
  }));
  std::istringstream words(lines());
  pid_t first = 0, second = 0;
  words >> first >> second;
  EXPECT_TRUE(isAlive(first) && isAlive(second));
  scheduler.kill("t1");
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_KILLED");
  EXPECT_TRUE(eventually([&] { return !isAlive(first) && !isAlive(second); }));
}

TEST(LocalCluster, LeavesNothingBehind) {
  auto cluster = startCluster();
  const std::string workDir = cluster->workDir();
  const std::string master = cluster->master();
  TestScheduler scheduler(master);
  scheduler.launch("t1", shell("trap '' TERM; sleep 1000 & echo $!; wait; wait"));
  ASSERT_TRUE(eventually([&] {
    const std::string text = scheduler.readFile(cluster->agent(0), "t1", "stdout");
    return !text.empty() && text.back() == '\n';
  }));
  const pid_t pid = std::stoi(scheduler.readFile(cluster->agent(0), "t1", "stdout"));
  EXPECT_TRUE(isAlive(pid));
  EXPECT_TRUE(exists(workDir));
  cluster.reset();
  EXPECT_FALSE(isAlive(pid));
  EXPECT_FALSE(exists(workDir));
  EXPECT_TRUE(scheduler.hasEnded());
  EXPECT_EQ(ask(scheduler.thread(), master, {}).status, 0);
}

TEST(LocalCluster, EndsAFetchThatIsUnderWay) {
  auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  LoopThread serving;
  std::promise<void> asked;
  std::unique_ptr<transport::HttpServer> server;
  std::shared_ptr<transport::HttpExchange> held;
  serving.call([&] {
    server = std::move(transport::HttpServer::listen(serving.loop(), {},
                                                     [&](const auto& exchange, const Request&) {
                                                       held = exchange;
                                                       asked.set_value();
                                                     }))
                 .value();
  });
  scheduler.launch("t1",
                   fetching("http://127.0.0.1:" + std::to_string(server->port()) + "/inside"));
  asked.get_future().wait();
  scheduler.kill("t1");
  EXPECT_EQ(scheduler.story(), "TASK_KILLED");
  cluster.reset();
  serving.call([&] {
    held.reset();
    server.reset();
  });
}

TEST(LocalCluster, StartsAndEndsFast) {
  const auto begin = std::chrono::steady_clock::now();
  auto cluster = startCluster();
  const auto started = std::chrono::steady_clock::now();
  cluster.reset();
  const auto ended = std::chrono::steady_clock::now();
  // Ten times what it takes, as the machine may be busy.
  EXPECT_LT(started - begin, milliseconds(500));
  EXPECT_LT(ended - started, milliseconds(1000));
}

TEST(LocalCluster, SaysWhichPortIsBusyOrTakesAnother) {
  const auto first = startCluster();
  auto options = smallCluster();
  options.port = protocol::parseAddress(first->master())->port;
  const auto second = LocalCluster::start(options);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(first->master()), std::string::npos)
      << second.error().message;
  EXPECT_NE(second.error().message.find("choose another port"), std::string::npos);
  options.anyPortIfBusy = true;
  const auto third = startCluster(options);
  ASSERT_TRUE(third);
  EXPECT_NE(third->master(), first->master());
}

TEST(LocalCluster, SkipsBusyPortsForAgents) {
  const auto first = startCluster();
  auto options = smallCluster();
  options.agents = 2;
  options.agentPort = protocol::parseAddress(first->agent(0))->port;
  const auto second = startCluster(options);
  ASSERT_TRUE(second);
  EXPECT_NE(second->agent(0), first->agent(0));
  EXPECT_NE(second->agent(0), second->agent(1));
  EXPECT_EQ(second->agentResources(1), "cpus 2, mem 512, ports 31010-31019");
}

TEST(LocalCluster, RefusesBadOptionsWithASentence) {
  const auto errorOf = [](const std::function<void(LocalClusterOptions&)>& change) {
    auto options = smallCluster();
    change(options);
    const auto cluster = LocalCluster::start(options);
    return cluster ? "" : cluster.error().message;
  };
  EXPECT_NE(errorOf([](auto& o) { o.resources = "cpus:x"; }).find("cpus:x"), std::string::npos);
  EXPECT_NE(errorOf([](auto& o) { o.attributes = "rack"; }).find("'rack'"), std::string::npos);
  EXPECT_NE(errorOf([](auto& o) { o.flags["nope"] = "1"; }).find("'nope'"), std::string::npos);
  EXPECT_NE(errorOf([](auto& o) { o.timeScale = 0; }), "");
  EXPECT_NE(errorOf([](auto& o) { o.ip = "not-an-ip"; }), "");
  EXPECT_NE(errorOf([](auto& o) { o.workDir = "/proc/no-such/dir"; }), "");
}

TEST(LocalCluster, RemovesAnAgentForGood) {
  auto options = smallCluster();
  options.agents = 2;
  const auto cluster = startCluster(options);
  TestScheduler scheduler(cluster->master());
  LoopThread client;
  Request health;
  health.target = "/health";
  EXPECT_EQ(ask(client, cluster->agent(1), health).status, 200);
  cluster->removeAgent(1);
  EXPECT_TRUE(eventually([&] { return ask(client, cluster->agent(1), health).status == 0; }));
  EXPECT_EQ(ask(client, cluster->agent(0), health).status, 200);
  const auto failure = scheduler.next("FAILURE");
  EXPECT_TRUE((*failure)["failure"].HasMember("agent_id"));
  cluster->removeAgent(1);
}

TEST(LocalCluster, CutsConnectionsWithoutEndingStreams) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  cluster->cutConnections();
  EXPECT_TRUE(scheduler.hasEnded());
  LoopThread client;
  Request health;
  health.target = "/health";
  EXPECT_EQ(ask(client, cluster->master(), health).status, 200);
}

TEST(LocalCluster, ShowsNothingOutsideOfASandbox) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  scheduler.launch("t1", shell("ln -s /etc/passwd link; ln -s / up; echo ok"));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FINISHED");
  EXPECT_EQ(scheduler.readFile(cluster->agent(0), "t1", "stdout"), "ok\n");
  for (const char* name : {"link", "up/etc/passwd", "../../../../../../../../../etc/passwd"}) {
    EXPECT_EQ(scheduler.readFile(cluster->agent(0), "t1", name), "") << name;
  }
}

TEST(LocalCluster, SurvivesBytesThatAreNoHttp) {
  const auto cluster = startCluster();
  LoopThread client;
  Random random(7);
  for (int i = 0; i < 50; ++i) {
    Request request;
    request.method = "POST";
    request.target = i % 2 ? "/api/v1/scheduler" : "/api/v1";
    request.headers = {{"Content-Type", i % 3 ? "application/json" : "application/x-protobuf"}};
    for (std::uint64_t n = random.below(200); n > 0; --n) {
      request.body += static_cast<char>(random.below(256));
    }
    EXPECT_GE(ask(client, cluster->master(), request).status, 400);
  }
  Request health;
  health.target = "/health";
  EXPECT_EQ(ask(client, cluster->master(), health).status, 200);
}

}  // namespace
}  // namespace mesos
