// Makes libFuzzer mutate sessions as sessions. Included once in each fuzzer of them.
#pragma once

#include "cluster_session.hpp"
#include "fuzz.hpp"
#include "session_mutation.hpp"

#include <algorithm>
#include <string>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t sizeMax);

namespace mesos::fuzz {

inline std::string mutateBytes(std::string text, std::size_t bytesMax) {
  const std::size_t size = text.size();
  text.resize(std::max(size, bytesMax));
  text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), size, text.size()));
  return text;
}

inline std::size_t give(const std::string& text, std::uint8_t* data) {
  std::copy(text.begin(), text.end(), data);
  return text.size();
}

}  // namespace mesos::fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t sizeMax, unsigned seed) {
  using namespace mesos::fuzz;
  return give(mutateSession(textOf(data, size), sizeMax, seed, mutateBytes), data);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* data, std::size_t size,
                                                 const std::uint8_t* other, std::size_t otherSize,
                                                 std::uint8_t* out, std::size_t outMax,
                                                 unsigned seed) {
  using namespace mesos::fuzz;
  return give(crossSessions(textOf(data, size), textOf(other, otherSize), outMax, seed), out);
}
