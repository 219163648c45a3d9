// One request's answer on its way through a server's connection. No sockets here.
#pragma once

#include "transport/http_server.hpp"
#include "transport/outbox.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mesos::transport {

/// Keeps the bytes of an answer until it is its turn, then hands them on as they come.
class Exchange final : public HttpExchange {
 public:
  /// What an answer needs to know of its request.
  struct Traits {
    bool isHead = false;
    bool http10 = false;
    bool keepAlive = true;
    bool acceptsGzip = false;
  };

  /// The connection, as an answer sees it.
  class Owner {
   public:
    virtual ~Owner() = default;
    /// There are new bytes, or it is complete.
    virtual void onExchange() = 0;
    virtual std::string_view date() = 0;
    virtual const GzipCodec* gzip() const = 0;
    /// Whether connections end with their current answers.
    virtual bool draining() const = 0;
    virtual std::string peer() const = 0;
    virtual EventLoop& loop() = 0;
  };

  Exchange(Owner& owner, Traits traits) : owner_(&owner), loop_(owner.loop()), traits_(traits) {}

  void respond(protocol::Response response) override;
  void startStream(protocol::ResponseHead head) override;
  void write(std::string bytes) override;
  void end() override;
  void hangUp() override;
  void onClosed(std::function<void()> closed) override;
  std::string peer() const override { return owner_ ? owner_->peer() : peer_; }

  /// Moves what there is to send into `outbox`.
  void moveBytes(Outbox& outbox);
  std::size_t heldBytes() const { return heldBytes_; }
  bool isComplete() const { return state_ == State::Complete; }
  bool isStreaming() const { return state_ == State::Streaming; }
  bool endsConnection() const { return !traits_.keepAlive; }
  /// The connection is gone; `tell`: those who asked to know.
  void detach(bool tell);

 private:
  enum class State { Waiting, Streaming, Complete };

  bool canAnswer() const { return owner_ && state_ == State::Waiting; }
  std::string beginHead(int status, const protocol::Headers& headers);
  void hold(std::string bytes);

  Owner* owner_;
  EventLoop& loop_;
  Traits traits_;
  std::string peer_;  // Once the owner is gone.
  State state_ = State::Waiting;
  std::vector<std::string> held_;
  std::size_t heldBytes_ = 0;
  std::function<void()> closed_;
};

}  // namespace mesos::transport
