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
  open_.emplace(id, Open{std::move(exchange), std::move(what), cors_.headersFor(request)});
  return id;
}

void Requests::log(const Open& open, const std::string& outcome) const {
  if (log_) log_(open.what + ": " + outcome);
}

std::optional<Requests::Open> Requests::take(RequestId id, const std::string& outcome) {
  auto open = open_.extract(id);
  if (!open) return std::nullopt;
  log(open.mapped(), outcome);
  return std::move(open.mapped());
}

void Requests::respond(RequestId id, protocol::Response response) {
  const auto open = take(id, std::to_string(response.status));
  if (!open) return;
  for (const auto& [name, value] : open->forPage) response.headers.add(name, value);
  open->exchange->respond(std::move(response));
}

void Requests::perform(cluster::Respond& order) { respond(order.id, std::move(order.response)); }

void Requests::perform(cluster::OpenStream& order) {
  const auto open = open_.find(order.id);
  if (open == open_.end()) return;
  log(open->second, std::to_string(order.head.status) + ", a stream");
  for (const auto& [name, value] : open->second.forPage) order.head.headers.add(name, value);
  open->second.exchange->startStream(std::move(order.head));
}

void Requests::perform(cluster::StreamBytes& order) {
  const auto open = open_.find(order.id);
  if (open != open_.end()) open->second.exchange->write(std::move(order.bytes));
}

void Requests::perform(cluster::EndStream& order) {
  if (const auto open = take(order.id, "end of the stream")) open->exchange->end();
}

void Requests::perform(cluster::Hangup& order) {
  if (const auto open = take(order.id, "hung up")) open->exchange->hangUp();
}

void Requests::perform(cluster::ServeFile& order) { respond(order.id, serveFile(order)); }

}  // namespace mesos::local
