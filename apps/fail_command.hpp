// `local-cluster fail`: makes a running embedded cluster suffer.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

/// What is asked of POST /local/fail (docs/PROTOCOL.md).
struct FailArguments {
  std::string master;
  std::string fault;
  std::optional<std::size_t> agent;
  std::string duration;
};

/// Asks and waits for the answer. 0: done; 1: the cluster could not be asked, or refused; 2: bad
/// arguments. Each but 0 has said why on stderr.
int runFail(const FailArguments& arguments);
