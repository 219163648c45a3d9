#include "protocol/json.hpp"

#include <mesos/v1/mesos.pb.h>
#include <mesos/v1/scheduler/scheduler.pb.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace mesos::protocol {
namespace {

using v1::FrameworkInfo;
using v1::TaskInfo;
using v1::TaskStatus;
using v1::scheduler::Call;

template <typename Message>
Message parsed(std::string_view text) {
  Message message;
  const auto error = readJson(text, &message);
  EXPECT_FALSE(error) << text << ": " << error->message;
  return message;
}

/// What is wrong with `text`; "" if nothing is.
template <typename Message>
std::string conversionError(std::string_view text) {
  Message message;
  const auto error = readJson(text, &message);
  if (!error) return "";
  EXPECT_EQ(error->kind, JsonError::Kind::Conversion) << text;
  return error->message;
}

std::string syntaxError(std::string_view text) {
  Call call;
  const auto error = readJson(text, &call);
  if (!error) return "";
  EXPECT_EQ(error->kind, JsonError::Kind::Syntax) << text;
  return error->message;
}

/// A FrameworkInfo with what it requires and `members`.
std::string framework(std::string_view members) {
  return R"({"user":"u","name":"n",)" + std::string(members) + "}";
}

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

TEST(Json, J1TakesSnakeCaseNamesOnly) {
  EXPECT_EQ(parsed<FrameworkInfo>(framework(R"("failover_timeout":5)")).failover_timeout(), 5);
  EXPECT_FALSE(parsed<FrameworkInfo>(framework(R"("failoverTimeout":5)")).has_failover_timeout());
}

TEST(Json, J2IgnoresUnknownMembersAtEveryLevel) {
  const auto call = parsed<Call>(R"({"type":"KILL","nope":[1,{"x":null}],
      "kill":{"nope":{},"task_id":{"value":"t","nope":"x"}}})");
  EXPECT_EQ(call.kill().task_id().value(), "t");
}

TEST(Json, J2TakesNullForAbsent) {
  const auto info = parsed<FrameworkInfo>(framework(
      R"("id":null,"roles":["a",null,"b"],"capabilities":null,"offer_filters":{"r":null})"));
  EXPECT_FALSE(info.has_id());
  EXPECT_EQ(info.roles_size(), 2);
  EXPECT_EQ(info.capabilities_size(), 0);
  EXPECT_TRUE(info.offer_filters().empty());
}

TEST(Json, J2LetsTheLastOfARepeatedKeyCount) {
  const auto info = parsed<FrameworkInfo>(
      R"({"user":5,"user":"a","roles":["x"],"name":"n","user":"b","roles":["y","z"]})");
  EXPECT_EQ(info.user(), "b");
  ASSERT_EQ(info.roles_size(), 2);
  EXPECT_EQ(info.roles(0), "y");
  EXPECT_FALSE(
      parsed<FrameworkInfo>(framework(R"("hostname":"h","hostname":null)")).has_hostname());
}

TEST(Json, J2RefusesWhatIsNotJson) {
  EXPECT_EQ(syntaxError(""), "syntax error at line 1 near: ");
  EXPECT_EQ(syntaxError("{"), "syntax error at line 1 near: ");
  EXPECT_EQ(syntaxError(R"({"type":"KILL",})"), "syntax error at line 1 near: }");
  EXPECT_EQ(syntaxError("{\n\n\"type\":KILL}"), "syntax error at line 3 near: KILL}");
  for (const char* text : {" ",
                           "{]",
                           "{'type':1}",
                           "{type:1}",
                           "{\"a\":01}",
                           "{\"a\":.5}",
                           "{\"a\":+1}",
                           "{\"a\":0x1}",
                           "{\"a\":NaN}",
                           "{\"a\":Infinity}",
                           "{\"a\":-Infinity}",
                           "{\"a\":inf}",
                           "{\"a\":TRUE}",
                           "{} // comment",
                           "/* comment */ {}",
                           "{\"a\":\"\n\"}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\" 1}",
                           "{\"a\":1 \"b\":2}",
                           "[1,]",
                           "\xEF\xBB\xBF{}",
                           "{\"a\":\"\\ud800\"}"}) {
    EXPECT_NE(syntaxError(text), "") << text;
  }
}

TEST(Json, J2RefusesTextAfterTheObject) {
  EXPECT_EQ(syntaxError("{} \r\n\t"), "");
  EXPECT_EQ(syntaxError("{} x"), "Parsed JSON included non-whitespace trailing characters: x");
  EXPECT_NE(syntaxError("{}{}"), "");
  EXPECT_NE(syntaxError(std::string_view("{}\0", 3)), "");
  EXPECT_NE(syntaxError(std::string_view("{}\0{}", 5)), "");
}

TEST(Json, J2StopsAtTwoHundredLevels) {
  EXPECT_EQ(syntaxError("{\"unknown\":" + nested(199) + "}"), "");
  EXPECT_EQ(syntaxError("{\"unknown\":" + nested(200) + "}"),
            "syntax error at line 1 near: " + std::string(200, ']') + "}");
  // Neither the reader nor the error grows with the nesting.
  EXPECT_LT(syntaxError(std::string(10'000'000, '[')).size(), 400U);
  std::string siblings = "{\"unknown\":[";
  for (int i = 0; i < 1000; ++i) siblings += "[{}],";
  EXPECT_EQ(syntaxError(siblings + "1]}"), "");
}

TEST(Json, J2WantsAnObject) {
  for (const char* text : {"[]", "null", "5", "\"x\"", "true", "[{\"type\":\"KILL\"}]"}) {
    EXPECT_EQ(conversionError<Call>(text), "Expecting a JSON object") << text;
  }
}

TEST(Json, J3TakesEnumsByName) {
  EXPECT_EQ(parsed<Call>(R"({"type":"TEARDOWN"})").type(), Call::TEARDOWN);
  EXPECT_EQ(parsed<Call>(R"({"type":"UNKNOWN"})").type(), Call::UNKNOWN);
  EXPECT_EQ(conversionError<Call>(R"({"type":5})"), "Not expecting a JSON number for field 'type'");
  EXPECT_EQ(conversionError<Call>(R"({"type":["KILL"]})"),
            "Not expecting a JSON array for field 'type'");
}

TEST(Json, J3DropsUnknownNamesUnlessTheFieldIsRequired) {
  EXPECT_FALSE(parsed<Call>(R"({"type":"NOPE"})").has_type());
  EXPECT_FALSE(parsed<Call>(R"({"type":"teardown"})").has_type());
  const std::string status = R"({"task_id":{"value":"t"},"state":)";
  EXPECT_EQ(conversionError<TaskStatus>(status + R"("TASK_NOPE"})"),
            "Failed to find enum value 'TASK_NOPE' for field 'state'");
}

TEST(Json, J4TakesNumbersAsStrings) {
  const auto timeout = [](std::string_view value) {
    return parsed<FrameworkInfo>(framework("\"failover_timeout\":" + std::string(value)))
        .failover_timeout();
  };
  EXPECT_EQ(timeout("1.5"), 1.5);
  EXPECT_EQ(timeout("\"1.5\""), 1.5);
  EXPECT_EQ(timeout("\"-2\""), -2);
  EXPECT_EQ(timeout("\"1e3\""), 1000);
  EXPECT_EQ(timeout("18446744073709551615"), 18446744073709551615.0);
}

TEST(Json, J4RefusesStringsThatAreNoNumbers) {
  const auto error = [](std::string_view value) {
    return conversionError<FrameworkInfo>(
        framework("\"failover_timeout\":\"" + std::string(value) + "\""));
  };
  EXPECT_EQ(error("abc"),
            "Failed to parse 'abc' as a JSON number for field 'failover_timeout': "
            "syntax error at line 1 near: abc");
  for (const char* value : {"", " 1", "1 ", "+1", "0x1", "1.", ".5", "01", "1,5", "true", "[1]",
                            "{}", "null", "nan", "NaN", "inf", "infinity", "+Infinity", "1e999"}) {
    EXPECT_NE(error(value), "") << value;
  }
}

TEST(Json, J4TakesBooleansAsStringsButNotAsNumbers) {
  EXPECT_TRUE(parsed<FrameworkInfo>(framework(R"("checkpoint":"true")")).checkpoint());
  EXPECT_FALSE(parsed<FrameworkInfo>(framework(R"("checkpoint":"false")")).checkpoint());
  EXPECT_EQ(conversionError<FrameworkInfo>(framework(R"("checkpoint":1)")),
            "Not expecting a JSON number for field 'checkpoint'");
  for (const char* value : {"\"True\"", "\"1\"", "\"\"", "\" true\"", "{}", "[true]"}) {
    EXPECT_NE(conversionError<FrameworkInfo>(framework("\"checkpoint\":" + std::string(value))), "")
        << value;
  }
}

TEST(Json, J4RefusesOtherKindsWithTheirNames) {
  EXPECT_EQ(conversionError<FrameworkInfo>(R"({"user":5,"name":"n"})"),
            "Not expecting a JSON number for field 'user'");
  EXPECT_EQ(conversionError<FrameworkInfo>(R"({"user":true,"name":"n"})"),
            "Not expecting a JSON boolean for field 'user'");
  EXPECT_EQ(conversionError<FrameworkInfo>(framework(R"("id":"abc")")),
            "Not expecting a JSON string for field 'id'");
  EXPECT_EQ(conversionError<FrameworkInfo>(framework(R"("hostname":{})")),
            "Not expecting a JSON object for field 'hostname'");
  EXPECT_EQ(conversionError<FrameworkInfo>(framework(R"("failover_timeout":true)")),
            "Not expecting a JSON boolean for field 'failover_timeout'");
}

TEST(Json, J5KeepsIntegersExactAndWithinTheirRange) {
  const auto range = [](const std::string& begin, const std::string& end) {
    return "{\"begin\":" + begin + ",\"end\":" + end + "}";
  };
  const auto widest = parsed<v1::Value::Range>(range("0", "18446744073709551615"));
  EXPECT_EQ(widest.end(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(toJson(widest), range("0", "18446744073709551615"));
  EXPECT_EQ(parsed<v1::Value::Range>(range("\"7\"", "9007199254740993")).end(), 9007199254740993U);
  EXPECT_EQ(parsed<v1::Value::Range>(range("1.0", "2e3")).end(), 2000U);
  for (const char* bad : {"-1", "18446744073709551616", "1e300", "\"-1\"", "-1.5"}) {
    EXPECT_EQ(conversionError<v1::Value::Range>(range("0", bad)),
              "The number is out of range for field 'end'")
        << bad;
  }
  const auto port = [](std::string_view value) {
    return conversionError<v1::Address>(R"({"ip":"i","port":)" + std::string(value) + "}");
  };
  EXPECT_EQ(port("2147483647"), "");
  EXPECT_EQ(port("-2147483648"), "");
  EXPECT_NE(port("2147483648"), "");
  EXPECT_NE(port("-2147483649"), "");
  EXPECT_NE(port("2147483648.0"), "");
}

TEST(Json, J6WritesAndReadsInfinityAsAString) {
  const auto task =
      parsed<TaskInfo>(R"({"name":"t","task_id":{"value":"t"},"agent_id":{"value":"a"},)"
                       R"("limits":{"cpus":{"value":"Infinity"},"mem":{"value":"-Infinity"}}})");
  ASSERT_EQ(task.limits_size(), 2);
  EXPECT_EQ(task.limits().at("cpus").value(), std::numeric_limits<double>::infinity());
  EXPECT_NE(toJson(task).find(R"("cpus":{"value":"Infinity"},"mem":{"value":"-Infinity"})"),
            std::string::npos);
  EXPECT_NE(conversionError<v1::Value::Range>(R"({"begin":"Infinity","end":1})"), "");
}

TEST(Json, J7TakesBase64WithBlanksAndWithoutPadding) {
  const auto data = [](std::string_view text) {
    return parsed<v1::ExecutorInfo>(R"({"executor_id":{"value":"e"},"data":")" + std::string(text) +
                                    "\"}")
        .data();
  };
  EXPECT_EQ(data("aGVsbG8="), "hello");
  EXPECT_EQ(data("aGVs bG8"), "hello");
  EXPECT_EQ(data("+/8="), "\xFB\xFF");
  EXPECT_EQ(data(""), "");
  v1::ExecutorInfo executor;
  executor.mutable_executor_id()->set_value("e");
  executor.set_data("\xFB\xFF");
  EXPECT_NE(toJson(executor).find(R"("data":"+/8=")"), std::string::npos);
}

TEST(Json, J7NamesTheCharacterThatIsNotBase64) {
  const std::string before = R"({"agent_id":{"value":"a"},"task_id":{"value":"t"},"uuid":)";
  EXPECT_EQ(conversionError<Call::Acknowledge>(before + "\"-_8AAAAAQACAAAAAAAAAAA==\"}"),
            "Failed to base64 decode bytes field 'uuid': Invalid character '-'");
  EXPECT_NE(conversionError<Call::Acknowledge>(before + "\"A\"}"), "");
  EXPECT_EQ(conversionError<Call::Acknowledge>(before + "5}"),
            "Not expecting a JSON number for field 'uuid'");
}

TEST(Json, J8IsLenientAboutLists) {
  const auto roles = [](std::string_view value) {
    const auto info = parsed<FrameworkInfo>(framework("\"roles\":" + std::string(value)));
    return std::vector<std::string>(info.roles().begin(), info.roles().end());
  };
  using Roles = std::vector<std::string>;
  EXPECT_EQ(roles(R"("a")"), Roles{"a"});
  EXPECT_EQ(roles(R"([["a"],[["b"],null],"c"])"), (Roles{"a", "b", "c"}));
  EXPECT_EQ(roles("[]"), Roles{});
  const auto info = parsed<FrameworkInfo>(framework(R"("capabilities":{"type":"MULTI_ROLE"})"));
  ASSERT_EQ(info.capabilities_size(), 1);
  EXPECT_EQ(info.capabilities(0).type(), FrameworkInfo::Capability::MULTI_ROLE);
  EXPECT_EQ(conversionError<FrameworkInfo>(framework(R"("hostname":["h"])")),
            "Not expecting a JSON array for field 'hostname'");
  EXPECT_NE(conversionError<FrameworkInfo>(framework(R"("id":[])")), "");
}

TEST(Json, J9TakesMapsForObjects) {
  const auto text =
      framework(R"("offer_filters":{"b":{"min_allocatable_resources":{}},"a":{},"b":{}},)"
                R"("failover_timeout":1)");
  const auto info = parsed<FrameworkInfo>(text);
  EXPECT_EQ(info.offer_filters_size(), 2);
  EXPECT_NE(toJson(info).find(R"("offer_filters":{"a":{},"b":{}})"), std::string::npos);
  EXPECT_NE(conversionError<FrameworkInfo>(framework(R"("offer_filters":"a")")), "");
}

TEST(Json, J10ShowsExplicitDefaultsUnlessDeprecatedInTheOrderOfDeclaration) {
  FrameworkInfo info;
  info.set_name("n");
  info.set_user("u");
  info.add_roles("r");
  EXPECT_EQ(toJson(info),
            R"({"user":"u","name":"n","failover_timeout":0.0,"checkpoint":false,"roles":["r"]})");
  const auto plain = parsed<v1::Resource>(R"({"name":"x","type":"SCALAR"})");
  EXPECT_EQ(toJson(plain), R"({"name":"x","type":"SCALAR"})");
  const auto roled = parsed<v1::Resource>(R"({"name":"x","type":"SCALAR","role":"*"})");
  EXPECT_EQ(toJson(roled), R"({"name":"x","type":"SCALAR","role":"*"})");
  EXPECT_EQ(toJson(v1::CommandInfo()), R"({"shell":true})");
}

TEST(Json, J11NamesMissingRequiredFields) {
  EXPECT_EQ(conversionError<Call>(R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{}}})"),
            "Missing required fields: subscribe.framework_info.user, "
            "subscribe.framework_info.name");
  EXPECT_EQ(conversionError<v1::Labels>(R"({"labels":[{"key":"a"},{}]})"),
            "Missing required fields: labels[1].key");
}

TEST(Json, J14EscapesWhatMustBeAndNoSlash) {
  const auto quoted = [](std::string_view text) {
    std::string out;
    appendJsonString(out, text);
    return out;
  };
  EXPECT_EQ(quoted("a/b"), R"("a/b")");
  EXPECT_EQ(quoted("\"\\"), R"("\"\\")");
  EXPECT_EQ(quoted("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(quoted(std::string_view("\0\x0B\x1F\x7F", 4)), "\"\\u0000\\u000B\\u001F\x7F\"");
  EXPECT_EQ(quoted(""), "\"\"");
}

TEST(Json, J14EscapesAByteWhereverItIs) {
  const std::string plain(200, '\xE4');
  for (const char byte : {'"', '\\', '\x1F', '\0'}) {
    const std::string escaped = byte == '"'    ? "\\\""
                                : byte == '\\' ? "\\\\"
                                : byte == '\0' ? "\\u0000"
                                               : "\\u001F";
    for (const std::size_t size : {1u, 7u, 8u, 9u, 23u, 94u, 95u, 200u}) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text = plain.substr(0, size);
        text[at] = byte;
        std::string out = "x";
        appendJsonString(out, text);
        EXPECT_EQ(
            out, "x\"" + plain.substr(0, at) + escaped + plain.substr(at + 1, size - at - 1) + "\"")
            << at << " of " << size;
      }
    }
  }
}

TEST(Json, J14ReadsBackEveryByteItWrites) {
  std::string text;
  for (int byte = 0; byte < 256; ++byte) text += static_cast<char>(byte);
  v1::TaskID id;
  id.set_value(text);
  EXPECT_EQ(parsed<v1::TaskID>(toJson(id)).value(), text);
  EXPECT_EQ(parsed<v1::TaskID>(R"({"value":"\u00e4\ud83d\ude00\/"})").value(),
            "\xC3\xA4\xF0\x9F\x98\x80/");
}

TEST(Json, J15PrintsDoublesAsMesosDoes) {
  EXPECT_EQ(jsonNumber(1), "1.0");
  EXPECT_EQ(jsonNumber(0), "0.0");
  EXPECT_EQ(jsonNumber(-0.0), "-0.0");
  EXPECT_EQ(jsonNumber(-32), "-32.0");
  EXPECT_EQ(jsonNumber(999999999999999), "999999999999999.0");
  EXPECT_EQ(jsonNumber(1000000000000000), "1000000000000000.0");
  EXPECT_EQ(jsonNumber(9e9), "9000000000.0");
  EXPECT_EQ(jsonNumber(0.1), "0.1");
  EXPECT_EQ(jsonNumber(0.000025), "0.000025");
  EXPECT_EQ(jsonNumber(1e-7), "1e-7");
  EXPECT_EQ(jsonNumber(1e30), "1e30");
  // Not the nearest 17 digits, but those that Mesos prints, and they read back exactly.
  EXPECT_EQ(jsonNumber(0.1 + 0.2), "0.30000000000000007");
  EXPECT_EQ(jsonNumber(1795337446.8841089), "1795337446.8841089");
  EXPECT_EQ(jsonNumber(std::nan("")), "null");
}

TEST(Json, J15ReadsBackEveryDoubleItWrites) {
  for (const double value :
       {0.30000000000000004, 1.0 / 3, 5e-324, 1.7976931348623157e308, 123456789.125, -2.5e-9}) {
    v1::Value::Scalar scalar;
    scalar.set_value(value);
    EXPECT_EQ(parsed<v1::Value::Scalar>(toJson(scalar)).value(), value) << value;
  }
}

TEST(Json, ReadsNumbersOfAnyLength) {
  const auto number = [](const std::string& text) {
    return parsed<v1::Value::Scalar>("{\"value\":" + text + "}").value();
  };
  const std::string zeros(400, '0');
  EXPECT_EQ(number("80." + zeros), 80);
  EXPECT_EQ(number("80." + zeros + "1"), 80);
  EXPECT_EQ(number("0." + zeros + "1"), 0);
  EXPECT_EQ(number("1e-400"), 0);
  EXPECT_EQ(number("0." + zeros + "25e400"), 0.25);
  EXPECT_EQ(number("-18446744073709551616"), -18446744073709551616.0);
  EXPECT_EQ(number("-0"), 0);
  v1::Value::Scalar scalar;
  for (const std::string& text : {"1" + zeros, std::string("1e400"), std::string("-1e309")}) {
    const auto read = fromJson("{\n\"value\":" + text + "}", &scalar);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().message, "syntax error at line 2 near: " + text.substr(0, 256) +
                                        (text.size() < 256 ? "}" : ""));
  }
}

TEST(Json, J17LetsInvalidUtf8Pass) {
  const auto info = parsed<FrameworkInfo>("{\"user\":\"\xFF\",\"name\":\"a\xC3\"}");
  EXPECT_EQ(info.user(), "\xFF");
  EXPECT_NE(toJson(info).find("\"name\":\"a\xC3\""), std::string::npos);
}

TEST(Json, FromJsonClearsWhatTheMessageHeld) {
  v1::TaskID id;
  id.set_value("old");
  EXPECT_FALSE(fromJson("{}", &id));
  EXPECT_FALSE(id.has_value());
}

TEST(JsonWriter, PutsCommasBetweenMembersAndElementsOnly) {
  v1::TaskID id;
  id.set_value("t");
  JsonWriter writer;
  writer.beginObject();
  writer.key("a").integer(-1).key("b").beginArray();
  writer.number(2).string("x\"").boolean(true).beginObject().endObject().message(id).endArray();
  writer.key("c").beginArray().endArray().key("d").raw("[1]").key("e").boolean(false);
  writer.key("f").beginObject().key("g").beginArray().beginArray().endArray().endArray();
  writer.endObject().endObject();
  EXPECT_EQ(writer.take(),
            R"({"a":-1,"b":[2.0,"x\"",true,{},{"value":"t"}],"c":[],"d":[1],"e":false,)"
            R"("f":{"g":[[]]}})");
}

TEST(Json, ListsThatAreNamedAreShownEvenIfTheyAreEmpty) {
  v1::Labels labels;
  EXPECT_EQ(toJson(labels), "{}");
  EXPECT_EQ(toJson(labels, {"mesos.v1.Labels.labels"}), R"({"labels":[]})");
  FrameworkInfo info;
  info.mutable_labels();
  info.set_user("u");
  info.set_name("n");
  EXPECT_EQ(toJson(info, {"mesos.v1.Labels.labels", "mesos.v1.FrameworkInfo.roles"})
                    .find(R"("labels":{"labels":[]})") != std::string::npos,
            true);
}

}  // namespace
}  // namespace mesos::protocol
