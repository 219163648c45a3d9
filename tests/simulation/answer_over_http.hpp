// What the HTTP surfaces of masters and agents ask of the network alike.
#pragma once

#include "cluster/http_effects.hpp"
#include "simulation/network.hpp"

#include <string>
#include <utility>
#include <variant>

namespace mesos::simulation {

/// False: the effect is of another kind. `note` is told of refusals.
template <typename Effect, typename Note>
bool answerOverHttp(Network& network, Effect& effect, const Note& note) {
  if (auto* respond = std::get_if<cluster::Respond>(&effect)) {
    const auto& response = respond->response;
    if (response.status >= 400) {
      note("answers " + std::to_string(response.status) + " " + response.body);
    }
    network.respond(respond->id, std::move(respond->response));
  } else if (auto* open = std::get_if<cluster::OpenStream>(&effect)) {
    network.openStream(open->id, std::move(open->head));
  } else if (auto* bytes = std::get_if<cluster::StreamBytes>(&effect)) {
    network.streamBytes(bytes->id, std::move(bytes->bytes));
  } else if (const auto* end = std::get_if<cluster::EndStream>(&effect)) {
    network.endStream(end->id);
  } else if (const auto* hangup = std::get_if<cluster::Hangup>(&effect)) {
    network.hangup(hangup->id);
  } else {
    return false;
  }
  return true;
}

}  // namespace mesos::simulation
