// The numbers of /metrics/snapshot and GET_METRICS (facts W4, W74).
#pragma once

#include "cluster/agent.hpp"
#include "cluster/master.hpp"

#include <mesos/v1/mesos.pb.h>

#include <map>
#include <string>

namespace mesos::cluster {

using Metrics = std::map<std::string, double>;

Metrics metricsOf(Now now, const Master& master);
Metrics metricsOf(Now now, const Agent& agent);

/// `{"master/elected":1.0,…}`.
std::string metricsJson(const Metrics& metrics);

}  // namespace mesos::cluster
