#include "cluster/authentication.hpp"

#include "base/base64.hpp"
#include "cluster/secrets.hpp"
#include "cluster/token.hpp"

#include <gtest/gtest.h>

namespace mesos::cluster {
namespace {

using protocol::Response;

AuthenticationOptions options(Realm realm) {
  AuthenticationOptions options;
  options.realms = {realm};
  options.credentials = {{"p", "s"}, {"q", "t"}};
  return options;
}

/// The principal's name, or the status of the refusal.
std::string ask(const AuthenticationOptions& options, Realm realm, const std::string& header) {
  const auto who = authenticate(options, realm, {"GET", "/", {{"Authorization", header}}, ""});
  if (const auto* refusal = std::get_if<Response>(&who)) return std::to_string(refusal->status);
  const auto& principal = std::get<std::optional<Principal>>(who);
  return principal ? principal->value.value_or("no value") : "nobody";
}

std::string basic(const std::string& pair) { return "Basic " + encodeBase64(pair); }

std::string bearer(const Claims& claims, const std::string& key = "key") {
  return "Bearer " + makeToken(claims, key);
}

TEST(Authentication, AsksOnlyInTheRealmsThatAreToldTo) {
  const auto some = options(Realm::MasterReadonly);
  EXPECT_EQ(ask(some, Realm::MasterReadonly, basic("p:s")), "p");
  EXPECT_EQ(ask(some, Realm::MasterReadonly, basic("p:x")), "401");
  // Fact T44.
  EXPECT_EQ(ask(some, Realm::MasterReadwrite, "nonsense"), "nobody");
}

TEST(Authentication, TakesBasicAsMesosReadsIt) {
  const auto some = options(Realm::MasterScheduler);
  const auto asked = [&](const std::string& header) {
    return ask(some, Realm::MasterScheduler, header);
  };
  EXPECT_EQ(asked("Basic cTp0"), "q");
  EXPECT_EQ(asked("Basic  cTp0"), "401");
  EXPECT_EQ(asked("basic cTp0"), "401");
  EXPECT_EQ(asked("Basic cTp0 "), "401");
  EXPECT_EQ(asked("Basic"), "401");
  EXPECT_EQ(asked(""), "401");
  EXPECT_EQ(asked(basic("p")), "401");
  EXPECT_EQ(asked(basic("p:s:")), "401");
  EXPECT_EQ(asked(basic("stranger:stranger")), "401");
  EXPECT_EQ(asked(basic(":")), "401");
  EXPECT_EQ(asked(bearer({})), "401");
}

TEST(Authentication, MissingPaddingIsAccepted) {
  AuthenticationOptions some = options(Realm::MasterScheduler);
  some.credentials["pq"] = "s";
  ASSERT_EQ(basic("pq:s"), "Basic cHE6cw==");
  EXPECT_EQ(ask(some, Realm::MasterScheduler, "Basic cHE6cw"), "pq");
}

TEST(Authentication, TheRefusalNamesTheRealmAndWhatItTakes) {
  AuthenticationOptions some = options(Realm::AgentExecutor);
  const auto challenge = [&] {
    const auto who = authenticate(some, Realm::AgentExecutor, {"POST", "/", {}, ""});
    return *std::get<Response>(who).headers.find("WWW-Authenticate");
  };
  EXPECT_EQ(challenge(), "Basic realm=\"mesos-agent-executor\"");
  some.tokenKey = "key";
  EXPECT_EQ(challenge(),
            "Basic realm=\"mesos-agent-executor\",Bearer realm=\"mesos-agent-executor\"");
  some.credentials.clear();
  EXPECT_EQ(challenge(), "Bearer realm=\"mesos-agent-executor\"");
}

TEST(Authentication, ATokenHasClaimsAndNoValue) {
  AuthenticationOptions some = options(Realm::AgentExecutor);
  some.tokenKey = "key";
  EXPECT_EQ(ask(some, Realm::AgentExecutor, bearer({{"fid", "f"}})), "no value");
  EXPECT_EQ(ask(some, Realm::AgentExecutor, bearer({{"fid", "f"}}, "other key")), "401");
  EXPECT_EQ(ask(some, Realm::AgentExecutor, "Bearer "), "401");
  some.tokenKey.clear();
  EXPECT_EQ(ask(some, Realm::AgentExecutor, bearer({{"fid", "f"}}, "")), "401");
}

TEST(Authentication, ClaimsMustBeAllThree) {
  const ExecutorClaims executor{"f", "e", "c"};
  const auto claimed = [](Claims claims) { return Principal{std::nullopt, std::move(claims)}; };
  EXPECT_TRUE(hasClaims(claimed({{"fid", "f"}, {"eid", "e"}, {"cid", "c"}}), executor));
  EXPECT_FALSE(hasClaims(claimed({{"fid", "f"}, {"eid", "e"}, {"cid", "d"}}), executor));
  EXPECT_FALSE(hasClaims(claimed({{"fid", "f"}, {"eid", "e"}}), executor));
  EXPECT_FALSE(hasClaims(Principal{"p", {}}, executor));
}

TEST(Realms, AreThoseOfMesos) {
  EXPECT_EQ(masterRealm("/master/api/v1/scheduler"), Realm::MasterScheduler);
  for (const char* path :
       {"/master/state", "/master/state-summary", "/master/slaves", "/master/frameworks",
        "/master/tasks", "/master/roles", "/master/flags", "/metrics/snapshot", "/files/browse",
        "/files/debug", "/files/read", "/files/download", "/master/maintenance/status"}) {
    EXPECT_EQ(masterRealm(path), Realm::MasterReadonly) << path;
  }
  for (const char* path : {"/master/api/v1", "/master/teardown", "/master/quota",
                           "/master/maintenance/schedule", "/master/never-heard-of"}) {
    EXPECT_EQ(masterRealm(path), Realm::MasterReadwrite) << path;
  }
  for (const char* path :
       {"/master/health", "/version", "/master/redirect", "/system/stats.json"}) {
    EXPECT_EQ(masterRealm(path), Realm::None) << path;
  }
  EXPECT_EQ(agentRealm("/slave(1)/api/v1/executor"), Realm::AgentExecutor);
  EXPECT_EQ(agentRealm("/slave(1)/api/v1"), Realm::AgentReadwrite);
  EXPECT_EQ(agentRealm("/slave(1)/state"), Realm::AgentReadonly);
  EXPECT_EQ(agentRealm("/slave(1)/containers"), Realm::AgentReadonly);
  EXPECT_EQ(agentRealm("/monitor/statistics"), Realm::AgentReadonly);
  EXPECT_EQ(agentRealm("/slave(1)/health"), Realm::None);
}

TEST(Credentials, AreReadFromJson) {
  const auto read = parseCredentials(
      R"({"credentials":[{"principal":"p","secret":"s"},{"principal":"q","secret":""}]})");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (Credentials{{"p", "s"}, {"q", ""}}));
}

TEST(Credentials, WhatIsNoCredentialsIsRefusedWithoutQuotingIt) {
  for (
      const char* text :
      {"", "p s3cret", "[]", R"({"credentials":{}})", R"({"credentials":["s3cret"]})",
       R"({"credentials":[{"principal":"p"}]})", R"({"credentials":[{"secret":"s3cret"}]})",
       R"({"credentials":[{"principal":"p","secret":["s3cret"]}]})",
       R"({"credentials":[{"principal":"p","secret":"s3cret"},{"principal":"p","secret":"x"}]})"}) {
    const auto read = parseCredentials(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().message.find("s3cret"), std::string::npos) << read.error().message;
  }
}

TEST(Tokens, AreThoseOfTheStandard) {
  // Made with the key "your-256-bit-secret", as the example of jwt.io is.
  const std::string token =
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
      "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ."
      "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
  EXPECT_EQ(readToken(token, "your-256-bit-secret"),
            (Claims{{"sub", "1234567890"}, {"name", "John Doe"}}));
}

TEST(Tokens, ComeBackAsTheyWereMade) {
  const Claims claims{{"cid", "c\"\\"}, {"eid", std::string("e\0x", 3)}, {"fid", ""}};
  EXPECT_EQ(readToken(makeToken(claims, "key"), "key"), claims);
}

TEST(Tokens, WithOneCharacterChangedAreRefused) {
  const std::string token = makeToken({{"fid", "f"}, {"eid", "e"}}, "key");
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    // The last symbol of the signature carries two bits that mean nothing.
    if (i + 1 == token.size()) continue;
    EXPECT_FALSE(readToken(changed, "key")) << i;
    EXPECT_FALSE(readToken(token.substr(0, i), "key")) << i;
  }
  EXPECT_FALSE(readToken(token + ".", "key"));
}

std::string encodeUrl(std::string text) {
  text = encodeBase64(text);
  text.erase(text.find_last_not_of('=') + 1);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

TEST(Tokens, OfAnotherAlgorithmAreRefusedHoweverSigned) {
  for (const char* header :
       {R"({"alg":"none"})", R"({"alg":"HS512"})", R"({"alg":1})", "{}", "x"}) {
    const std::string part = encodeUrl(header) + "." + encodeUrl(R"({"fid":"f"})");
    EXPECT_FALSE(readToken(part + "." + encodeUrl(hmacSha256("key", part)), "key")) << header;
    EXPECT_FALSE(readToken(part + ".", "key")) << header;
  }
}

TEST(Secrets, AreEqualOnlyIfTheyAre) {
  EXPECT_TRUE(equalSecrets("", ""));
  EXPECT_TRUE(equalSecrets("secret", "secret"));
  EXPECT_FALSE(equalSecrets("secret", "secreT"));
  EXPECT_FALSE(equalSecrets("secret", "secret "));
  EXPECT_FALSE(equalSecrets("secret", ""));
}

}  // namespace
}  // namespace mesos::cluster
