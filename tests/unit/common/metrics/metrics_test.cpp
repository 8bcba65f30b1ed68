#include "common/metrics/metrics.h"

#include <gtest/gtest.h>

namespace flume {
namespace {

TEST(Metrics, TheSameNameAndLabelsAreTheSameCounter) {
  MetricRegistry registry;
  const Metrics node = Metrics(registry, {}).with("node", "a");
  node.counter("flume_rows_in_total", {{"path", "sink"}}).add(2);
  registry.counter("flume_rows_in_total", {{"path", "sink"}, {"node", "a"}}).add(3);
  ASSERT_EQ(registry.samples().size(), 1U);
  EXPECT_EQ(registry.samples()[0].value, 5);
}

TEST(Metrics, PrintsThePrometheusText) {
  MetricRegistry registry;
  registry.counter("flume_b_total", {{"node", "a\"\\\n"}}).add(7);
  registry.gauge("flume_a", {}).set(-1);
  EXPECT_EQ(registry.prometheus(),
            "# TYPE flume_a gauge\n"
            "flume_a -1\n"
            "# TYPE flume_b_total counter\n"
            "flume_b_total{node=\"a\\\"\\\\\\n\"} 7\n");
}

TEST(Metrics, ARemovedNodeLeavesNothingButHeldReferencesStayValid) {
  MetricRegistry registry;
  Counter& held = registry.counter("flume_x_total", {{"node", "gone"}});
  registry.counter("flume_x_total", {{"node", "here"}}).add(1);
  registry.remove("node", "gone");
  held.add(1);
  ASSERT_EQ(registry.samples().size(), 1U);
  EXPECT_EQ(registry.samples()[0].labels[0].second, "here");
}

}  // namespace
}  // namespace flume
