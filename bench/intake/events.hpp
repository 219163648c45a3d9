// The events that a scheduler takes in, as a master writes them: protobuf, of its usual size.
#pragma once

#include <cstddef>
#include <string>

namespace bench {

/// An Event SUBSCRIBED, serialized.
std::string subscribedEvent();
/// An Event UPDATE that needs acknowledging; its ids, and its uuid, are those of `number`.
std::string updateEvent(std::size_t number);
/// An Event OFFERS of 100 offers with 6 resources each.
std::string offersEvent(std::size_t number);

constexpr std::size_t kOffers = 100;
constexpr std::size_t kResources = 6;

/// The number that made the uuid; `count` or more: none did.
std::size_t numberOf(const std::string& uuid, std::size_t count);

}  // namespace bench
