#include "protocol/master_spec.hpp"

#include <gtest/gtest.h>

namespace mesos::protocol {
namespace {

std::string errorOf(std::string_view text) {
  const auto url = parseZooKeeperUrl(text);
  return url ? "accepted" : url.error().message;
}

// Scenario 167.
TEST(ZooKeeperUrl, HasCredentialsServersAndAPath) {
  const auto url = parseZooKeeperUrl("zk://u:p@h1:1,h2:2/a/b");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->credentials, "u:p");
  EXPECT_EQ(url->servers, "h1:1,h2:2");
  EXPECT_EQ(url->path, "/a/b");
  EXPECT_EQ(url->toString(), "zk://h1:1,h2:2/a/b");
}

TEST(ZooKeeperUrl, NeedsNoCredentials) {
  const auto url = parseZooKeeperUrl("zk://10.0.0.1:2181/mesos");
  ASSERT_TRUE(url);
  EXPECT_EQ(*url, (ZooKeeperUrl{"10.0.0.1:2181", "/mesos", ""}));
  EXPECT_TRUE(parseZooKeeperUrl("zk://[::1]:2181/mesos"));
}

// Fact Z1.
TEST(ZooKeeperUrl, EndsTheCredentialsAtTheLastAtSign) {
  const auto url = parseZooKeeperUrl("zk://u:p@ss:w ord@h:1/m");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->credentials, "u:p@ss:w ord");
  EXPECT_EQ(url->servers, "h:1");
}

// Facts Z1, Z2.
TEST(ZooKeeperUrl, IsRefusedWithWhatIsWrong) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"zk://h:1", "names no node"},
      {"zk://h:1/", "names no node"},
      {"zk://h:1/a/", "ends in '/'"},
      {"zk://h:1//a", "part that is empty"},
      {"zk://h:1/a/../b", "part that is empty, '.' or '..'"},
      {"zk:///a", "names no server"},
      {"zk://h/a", "\"h\", which is not HOST:PORT"},
      {"zk://h:/a", "not HOST:PORT"},
      {"zk://h:0/a", "not HOST:PORT"},
      {"zk://h1:1,,h2:2/a", "\"\", which is not HOST:PORT"},
      {"zk://h1:1,/a", "not HOST:PORT"},
      {"zk://h1:1, h2:2/a", "contains a blank"},
      {"zk://h1:1/a b", "contains a blank"},
      {"zk://h1:1/a\n", "contains a blank"},
      {" zk://h1:1/a", "begins with zk://"},
      {"ZK://h1:1/a", "begins with zk://"},
      {"zk://u@h1:1/a", "not USER:PASSWORD"},
      {"zk://:p@h1:1/a", "not USER:PASSWORD"},
      {"zk://@h1:1/a", "not USER:PASSWORD"},
      {"zk://u:pa/ss@h1:1/a", "'@' behind its first '/'"},
  };
  for (const auto& [text, expected] : mistakes) {
    EXPECT_NE(errorOf(text).find(expected), std::string::npos) << text << ": " << errorOf(text);
  }
}

TEST(ZooKeeperUrl, NeverTellsItsPassword) {
  for (const char* text :
       {"zk://u:hidden@h:1", "zk://u:hidden@h/m", "zk://u:hidden@h:1/m/", "zk://u:hid/hidden@h:1/m",
        "zk://u:x@y:hidden/hidden@h:1/m", "zk://u:hidden@h:1/ m"}) {
    EXPECT_EQ(errorOf(text).find("hid"), std::string::npos) << errorOf(text);
    EXPECT_NE(errorOf(text), "accepted") << text;
  }
  for (const char* text :
       {" zk://u:hidden@h:1/m", "ZK://u:hidden@h:1/m", "u:hidden@h:1", "master@u:hidden@h:1"}) {
    const auto spec = parseMasterSpec(text);
    ASSERT_FALSE(spec) << text;
    EXPECT_EQ(spec.error().message.find("hid"), std::string::npos) << spec.error().message;
  }
}

// Fact Z3.
TEST(MasterSpec, IsAnAddressAZooKeeperUrlOrAFile) {
  for (const char* text : {"h:1", "http://h:1", "http://h:1/", "master@h:1"}) {
    const auto spec = parseMasterSpec(text);
    ASSERT_TRUE(spec) << text;
    EXPECT_EQ(*spec, MasterSpec(Address{"h", 1})) << text;
  }
  EXPECT_EQ(parseMasterSpec("https://h:1/").value(), MasterSpec(Address{"h", 1, true}));
  EXPECT_EQ(parseMasterSpec("zk://h:1/m").value(), MasterSpec(ZooKeeperUrl{"h:1", "/m", ""}));
  EXPECT_EQ(parseMasterSpec("file:///etc/m").value(), MasterSpec(MasterFile{"/etc/m"}));
}

TEST(MasterSpec, RefusesAnythingElseInASentence) {
  for (const char* text : {"", "h", "h:x", "h:0", "http://h", "ftp://h:1", "file://", "file:///",
                           "file://m", "zk://h:1", "https://h", "master@h", "h:1/x"}) {
    const auto spec = parseMasterSpec(text);
    ASSERT_FALSE(spec) << text;
    EXPECT_GT(spec.error().message.size(), 20u);
  }
}

}  // namespace
}  // namespace mesos::protocol
