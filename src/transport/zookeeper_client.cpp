#include "transport/zookeeper_client.hpp"

#include "transport/zookeeper_log.hpp"

#include <zookeeper/zookeeper.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace mesos::transport {
namespace {

using protocol::CreateNode;
using protocol::NodeFault;
using protocol::NodeRequest;
using protocol::ZooKeeperId;

// What may block, in order, on a thread of its own: names are resolved while a session is opened,
// and a close waits for the server.
class Worker {
 public:
  Worker() : thread_([this] { run(); }) {}
  ~Worker() {
    push(nullptr);
    thread_.join();
  }

  void push(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_one();
  }

 private:
  void run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !tasks_.empty(); });
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      if (!task) return;
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::thread thread_;
};

NodeFault faultOf(int code) {
  switch (code) {
    case ZNONODE:
      return NodeFault::NoNode;
    case ZNODEEXISTS:
      return NodeFault::NodeExists;
    default:
      return NodeFault::Other;
  }
}

}  // namespace

/// Of the loop's thread, but for what is said to belong to another.
class ZooKeeperClient::State : public std::enable_shared_from_this<State> {
 public:
  State(EventLoop& loop, Events events) : loop_(loop), events_(std::move(events)) {}

  void open(const protocol::OpenZooKeeper& open);
  void close();
  /// Nothing is told any more. Returns when the threads have ended.
  void end();
  template <typename Order>
  void perform(const Order& order);

 private:
  /// Lives until its handle is closed: the C client holds its address.
  struct Session {
    ZooKeeperId id;
    bool isProtected;  // By credentials.
    std::weak_ptr<State> state;
    zhandle_t* opened = nullptr;  // Of the worker.
    zhandle_t* handle = nullptr;  // The same, once it is known to the loop.
    std::optional<ZooKeeperLog> log;
  };
  using SessionPtr = std::shared_ptr<Session>;
  /// What an asynchronous request of the C client remembers.
  struct Pending {
    SessionPtr session;
    NodeRequest request;
  };

  // On threads of the C client and of the worker: the way to the loop.
  template <typename Task>
  static void post(const SessionPtr& session, Task task);
  static void openHandle(const SessionPtr& session, const protocol::OpenZooKeeper& open);
  static void onSession(zhandle_t* handle, int type, int state, const char* path, void* context);
  static void onNode(zhandle_t* handle, int type, int state, const char* path, void* context);
  static void onStrings(int code, const String_vector* strings, const void* data);
  static void onValue(int code, const char* value, int length, const Stat* stat, const void* data);
  static void onPath(int code, const char* path, const void* data);
  static void fail(const Pending& pending, int code);

  int ask(const Pending* pending, const protocol::ListNodes& list);
  int ask(const Pending* pending, const protocol::ReadNode& read);
  int ask(const Pending* pending, const CreateNode& create);

  template <typename Event, typename... Arguments>
  void tell(Event Events::*event, Arguments&&... arguments) {
    if (events_.*event) (events_.*event)(std::forward<Arguments>(arguments)...);
  }

  EventLoop& loop_;
  Events events_;
  SessionPtr current_;
  // Not before there is something to do: a state that is never opened costs no thread.
  std::optional<Worker> worker_;
};

template <typename Task>
void ZooKeeperClient::State::post(const SessionPtr& session, Task task) {
  const auto state = session->state.lock();
  if (!state) return;
  state->loop_.post([state, session, task = std::move(task)] {
    if (state->current_ == session) task(*state, *session);
  });
}

// --- Sessions.

void ZooKeeperClient::State::open(const protocol::OpenZooKeeper& open) {
  close();
  if (!worker_) worker_.emplace();
  auto session = std::make_shared<Session>();
  session->id = open.id;
  session->isProtected = !open.url.credentials.empty();
  session->state = weak_from_this();
  session->log.emplace([weak = std::weak_ptr<Session>(session)](const std::string& line) {
    const SessionPtr speaking = weak.lock();
    if (!speaking) return;
    post(speaking, [line](State& state, Session&) { state.tell(&Events::onLog, line); });
  });
  current_ = session;
  worker_->push([session, open] { openHandle(session, open); });
}

void ZooKeeperClient::State::openHandle(const SessionPtr& session,
                                        const protocol::OpenZooKeeper& open) {
  const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(open.sessionTimeout);
  session->opened = zookeeper_init2(open.url.servers.c_str(), &State::onSession,
                                    static_cast<int>(timeout.count()), nullptr, session.get(), 0,
                                    session->log->callback());
  if (session->opened == nullptr) {
    const std::string reason =
        errno == EINVAL || errno == 0 ? "no address of its servers is found" : std::strerror(errno);
    post(session, [reason](State& state, Session& failed) {
      state.tell(&Events::onOpenFailed, failed.id, reason);
    });
    return;
  }
  const std::string& secret = open.url.credentials;
  if (!secret.empty()) {
    zoo_add_auth(session->opened, "digest", secret.c_str(), static_cast<int>(secret.size()),
                 nullptr, nullptr);
  }
}

void ZooKeeperClient::State::close() {
  if (!current_) return;
  worker_->push([session = std::move(current_)] {
    if (session->opened != nullptr) zookeeper_close(session->opened);
    session->log.reset();
  });
  current_.reset();
}

void ZooKeeperClient::State::end() {
  close();
  worker_.reset();
}

// On a thread of the C client.
void ZooKeeperClient::State::onSession(zhandle_t* handle, int type, int state, const char*,
                                       void* context) {
  if (type != ZOO_SESSION_EVENT || handle == nullptr) return;
  auto* raw = static_cast<Session*>(context);
  const auto owner = raw->state.lock();
  if (!owner) return;
  const Duration timeout = std::chrono::milliseconds(zoo_recv_timeout(handle));
  // By its number: the loop may have let go of it, and it be on its way to be closed.
  owner->loop_.post([owner, id = raw->id, handle, state, timeout] {
    if (!owner->current_ || owner->current_->id != id) return;
    owner->current_->handle = handle;
    if (state == ZOO_CONNECTED_STATE || state == ZOO_READONLY_STATE) {
      owner->tell(&Events::onConnected, id, timeout);
    } else if (state == ZOO_EXPIRED_SESSION_STATE) {
      owner->tell(&Events::onExpired, id);
    } else if (state == ZOO_AUTH_FAILED_STATE) {
      owner->tell(&Events::onAuthFailed, id);
    } else {
      owner->tell(&Events::onConnecting, id);
    }
  });
}

// On a thread of the C client. It is told of the session as well, which onSession is anyhow.
void ZooKeeperClient::State::onNode(zhandle_t*, int type, int, const char*, void* context) {
  if (type == ZOO_SESSION_EVENT) return;
  auto* raw = static_cast<Session*>(context);
  const auto owner = raw->state.lock();
  if (!owner) return;
  owner->loop_.post([owner, id = raw->id] {
    if (owner->current_ && owner->current_->id == id) owner->tell(&Events::onChanged, id);
  });
}

// --- Requests.

template <typename Order>
void ZooKeeperClient::State::perform(const Order& order) {
  if (!current_) return;
  auto pending = std::make_unique<Pending>(Pending{current_, order.request});
  const int code = current_->handle == nullptr ? int{ZINVALIDSTATE} : ask(pending.get(), order);
  if (code == ZOK) {
    pending.release();  // Comes back with the answer, at the latest when the handle is closed.
  } else {
    fail(*pending, code);
  }
}

int ZooKeeperClient::State::ask(const Pending* pending, const protocol::ListNodes& list) {
  return zoo_awget_children(current_->handle, list.path.c_str(), &State::onNode, current_.get(),
                            &State::onStrings, pending);
}

int ZooKeeperClient::State::ask(const Pending* pending, const protocol::ReadNode& read) {
  return zoo_aget(current_->handle, read.path.c_str(), 0, &State::onValue, pending);
}

int ZooKeeperClient::State::ask(const Pending* pending, const CreateNode& create) {
  // "auth" stands for whoever has authenticated (fact Z4).
  char world[] = "world";
  char anyone[] = "anyone";
  char auth[] = "auth";
  char nobody[] = "";
  ACL guarded[] = {{ZOO_PERM_ALL, {auth, nobody}}, {ZOO_PERM_READ, {world, anyone}}};
  ACL open[] = {{ZOO_PERM_ALL, {world, anyone}}};
  const ACL_vector rights = current_->isProtected ? ACL_vector{2, guarded} : ACL_vector{1, open};
  const int flags = create.isMember ? ZOO_EPHEMERAL | ZOO_SEQUENCE : 0;
  return zoo_acreate(current_->handle, create.path.c_str(), create.data.data(),
                     static_cast<int>(create.data.size()), &rights, flags, &State::onPath, pending);
}

// On a thread of the C client, or of the loop.
void ZooKeeperClient::State::fail(const Pending& pending, int code) {
  if (code == ZCLOSING) return;
  post(pending.session, [request = pending.request, code](State& state, Session&) {
    state.tell(&Events::onRequestFailed, request, faultOf(code), std::string(zerror(code)));
  });
}

void ZooKeeperClient::State::onStrings(int code, const String_vector* strings, const void* data) {
  const std::unique_ptr<const Pending> pending(static_cast<const Pending*>(data));
  if (code != ZOK) return fail(*pending, code);
  std::vector<std::string> names;
  for (int i = 0; i < strings->count; ++i) names.emplace_back(strings->data[i]);
  post(pending->session, [request = pending->request, names](State& state, Session&) {
    state.tell(&Events::onChildren, request, names);
  });
}

void ZooKeeperClient::State::onValue(int code, const char* value, int length, const Stat*,
                                     const void* data) {
  const std::unique_ptr<const Pending> pending(static_cast<const Pending*>(data));
  if (code != ZOK) return fail(*pending, code);
  std::string bytes;
  if (value != nullptr && length > 0) bytes.assign(value, static_cast<std::size_t>(length));
  post(pending->session, [request = pending->request, bytes](State& state, Session&) {
    state.tell(&Events::onData, request, bytes);
  });
}

void ZooKeeperClient::State::onPath(int code, const char* path, const void* data) {
  const std::unique_ptr<const Pending> pending(static_cast<const Pending*>(data));
  if (code != ZOK) return fail(*pending, code);
  post(pending->session,
       [request = pending->request, made = std::string(path)](State& state, Session&) {
         state.tell(&Events::onCreated, request, made);
       });
}

// --- The public face.

ZooKeeperClient::ZooKeeperClient(EventLoop& loop, Events events)
    : state_(std::make_shared<State>(loop, std::move(events))) {}

ZooKeeperClient::~ZooKeeperClient() { state_->end(); }

void ZooKeeperClient::perform(const protocol::OpenZooKeeper& open) { state_->open(open); }
void ZooKeeperClient::perform(const protocol::CloseZooKeeper&) { state_->close(); }
void ZooKeeperClient::perform(const protocol::ListNodes& list) { state_->perform(list); }
void ZooKeeperClient::perform(const protocol::ReadNode& read) { state_->perform(read); }
void ZooKeeperClient::perform(const protocol::CreateNode& create) { state_->perform(create); }

}  // namespace mesos::transport
