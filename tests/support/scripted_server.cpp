#include "tests/support/scripted_server.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace mesos::testing {

using protocol::Request;
using transport::HttpExchange;
using transport::HttpServer;

constexpr auto kPatience = std::chrono::seconds(5);

ScriptedServer::ScriptedServer(transport::HttpServerOptions options) {
  thread_.run([&] {
    auto server =
        HttpServer::listen(thread_.loop(), std::move(options),
                           [this](std::shared_ptr<HttpExchange> exchange, Request request) {
                             const auto closed = std::make_shared<bool>(false);
                             exchange->onClosed([closed] { *closed = true; });
                             const std::lock_guard lock(mutex_);
                             waiting_.push_back({std::move(request), std::move(exchange), closed});
                             arrived_.notify_all();
                           });
    server_ = std::move(server.value());
    port_ = server_->port();
  });
}

ScriptedServer::~ScriptedServer() {
  thread_.run([&] {
    waiting_.clear();
    server_.reset();
  });
}

std::optional<ScriptedServer::Received> ScriptedServer::nextWithin(
    std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_for(lock, patience, [&] { return !waiting_.empty(); })) return std::nullopt;
  Received received = std::move(waiting_.front());
  waiting_.pop_front();
  return received;
}

ScriptedServer::Received ScriptedServer::next() {
  if (auto received = nextWithin(kPatience)) return std::move(*received);
  ADD_FAILURE() << "no request came";
  return {};
}

void ScriptedServer::respond(const Received& received, int status, protocol::Headers headers,
                             std::string body) {
  if (!received.exchange) return;
  thread_.run([&] {
    received.exchange->respond(
        {.status = status, .headers = std::move(headers), .body = std::move(body)});
  });
}

void ScriptedServer::startStream(const Received& received, protocol::Headers headers) {
  if (!received.exchange) return;
  thread_.run(
      [&] { received.exchange->startStream({.status = 200, .headers = std::move(headers)}); });
}

void ScriptedServer::write(const Received& stream, std::string bytes) {
  if (stream.exchange) thread_.run([&] { stream.exchange->write(std::move(bytes)); });
}

void ScriptedServer::end(const Received& stream) {
  if (stream.exchange) thread_.run([&] { stream.exchange->end(); });
}

bool ScriptedServer::isLeft(const Received& stream) {
  return transport::testing::eventually([&] {
    bool closed = false;
    thread_.run([&] { closed = !stream.closed || *stream.closed; });
    return closed;
  });
}

void ScriptedServer::cut() {
  thread_.run([&] { server_->cutConnections(); });
}

void Notes::add(std::string line) {
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
  changed_.notify_all();
}

bool Notes::has(const std::string& line) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return countLocked(line) > 0; });
}

std::size_t Notes::count(const std::string& line) {
  const std::lock_guard lock(mutex_);
  return countLocked(line);
}

std::size_t Notes::countLocked(const std::string& line) const {
  constexpr std::string_view kEllipsis = "…";
  std::string_view wanted = line;
  const bool isPrefix = wanted.ends_with(kEllipsis);
  if (isPrefix) wanted.remove_suffix(kEllipsis.size());
  std::size_t count = 0;
  for (const std::string& candidate : lines_) {
    count += isPrefix ? candidate.starts_with(wanted) : candidate == wanted;
  }
  return count;
}

std::string Notes::text() {
  const std::lock_guard lock(mutex_);
  std::string all;
  for (const std::string& line : lines_) all += line + "\n";
  return all;
}

}  // namespace mesos::testing
