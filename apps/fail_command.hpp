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
  std::string principal;  ///< Empty: none.
  std::string secretFile;
  std::string caFile;  ///< Whom to trust with a certificate; empty: whom the system trusts.
  std::string certificateFile;  ///< For a master that asks for one.
  std::string keyFile;
};

/// Asks the master, by TLS if it is named by https, and waits for the answer. 0: done; 1: the
/// cluster could not be asked, or refused; 2: bad arguments. Each but 0 has said why on stderr.
int runFail(const FailArguments& arguments);
