#include "local/requests.hpp"

#include "local/files.hpp"

namespace mesos::local {

using cluster::RequestId;

RequestId Requests::add(std::shared_ptr<transport::HttpExchange> exchange,
                        const protocol::Request& request, std::function<void(RequestId)> closed) {
  const RequestId id = next_++;
  exchange->onClosed([this, id, closed = std::move(closed)] {
    const auto open = open_.extract(id);
    if (!open) return;
    log(open.mapped(), "closed by the client");
    closed(id);
  });
  std::string what;
  if (log_) what = exchange->peer() + " " + request.method + " " + request.target;
  open_.emplace(id, Open{std::move(exchange), std::move(what)});
  return id;
}

void Requests::log(const Open& open, const std::string& outcome) const {
  if (log_) log_(open.what + ": " + outcome);
}

std::shared_ptr<transport::HttpExchange> Requests::take(RequestId id, const std::string& outcome) {
  const auto open = open_.extract(id);
  if (!open) return nullptr;
  log(open.mapped(), outcome);
  return open.mapped().exchange;
}

void Requests::perform(cluster::Respond& order) {
  const auto exchange = take(order.id, std::to_string(order.response.status));
  if (exchange) exchange->respond(std::move(order.response));
}

void Requests::perform(cluster::OpenStream& order) {
  const auto open = open_.find(order.id);
  if (open == open_.end()) return;
  log(open->second, std::to_string(order.head.status) + ", a stream");
  open->second.exchange->startStream(std::move(order.head));
}

void Requests::perform(cluster::StreamBytes& order) {
  const auto open = open_.find(order.id);
  if (open != open_.end()) open->second.exchange->write(std::move(order.bytes));
}

void Requests::perform(cluster::EndStream& order) {
  if (const auto exchange = take(order.id, "end of the stream")) exchange->end();
}

void Requests::perform(cluster::Hangup& order) {
  if (const auto exchange = take(order.id, "hung up")) exchange->hangUp();
}

void Requests::perform(cluster::ServeFile& order) {
  protocol::Response response = serveFile(order);
  const auto exchange = take(order.id, std::to_string(response.status));
  if (exchange) exchange->respond(std::move(response));
}

}  // namespace mesos::local
