// What reading and writing JSON both ask of a field's descriptor.
#pragma once

#include <google/protobuf/descriptor.h>

namespace mesos::protocol {

/// Whether `field` is an object in JSON (fact J9): a map, or the repeated entries of one that is
/// written out in the .proto, which on the wire are the same.
bool isMap(const google::protobuf::FieldDescriptor& field);
const google::protobuf::FieldDescriptor* mapKey(const google::protobuf::FieldDescriptor& map);
const google::protobuf::FieldDescriptor* mapValue(const google::protobuf::FieldDescriptor& map);

}  // namespace mesos::protocol
