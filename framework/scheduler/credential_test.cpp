#include "scheduler/credential.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>

namespace mesos::scheduler {
namespace {

std::string written(const std::string& content) {
  const std::string path = testing::TempDir() + "secret-" + std::to_string(::getpid());
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::string secretOf(const std::string& content) {
  const auto credential = readCredential("p", written(content));
  return credential ? credential->secret : "refused: " + credential.error().message;
}

TEST(Credential, TheSecretIsTheFileWithoutItsNewline) {
  EXPECT_EQ(secretOf("s"), "s");
  EXPECT_EQ(secretOf("s\n"), "s");
  EXPECT_EQ(secretOf("s\r\n"), "s");
  EXPECT_EQ(secretOf(" two words \n\n"), " two words \n");
  EXPECT_EQ(readCredential("p", written("s"))->principal, "p");
}

TEST(Credential, ASecretThatCannotBeOneIsRefusedWithoutQuotingIt) {
  for (const std::string& content : {std::string(), std::string("\n"), std::string("s3:cret"),
                                     "s3cret" + std::string(2000000, 'x')}) {
    const std::string refused = secretOf(content);
    EXPECT_EQ(refused.rfind("refused: ", 0), 0u);
    EXPECT_EQ(refused.find("s3"), std::string::npos) << refused;
  }
  EXPECT_FALSE(readCredential("p", "/no/such/file"));
  EXPECT_FALSE(readCredential("p", "/tmp"));
}

TEST(Credential, RefusalsAreKnownByTheirStatus) {
  EXPECT_TRUE(isRefusalOfCredentials(
      "the master at 127.0.0.1:5050 answers 401 Unauthorized: 401 Unauthorized.. Check"));
  EXPECT_TRUE(isRefusalOfCredentials("the master at a:1 answers 403 Forbidden. Check"));
  EXPECT_FALSE(isRefusalOfCredentials("the master at a:1 answers 400 Bad Request: 401"));
  EXPECT_FALSE(isRefusalOfCredentials("Framework has been removed"));
}

}  // namespace
}  // namespace mesos::scheduler
