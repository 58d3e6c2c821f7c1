#pragma once

#include "anatomy/spike_sections.h"

namespace examples {

/// The positions where sinks are expected: the first token and, in an encoder, also the last.
std::vector<int64_t> sink_positions(const Experiment& experiment);

class AttentionSinksSection : public FirstRunSection<spikesink::AttentionSinks> {
 public:
  explicit AttentionSinksSection(SectionTable& table);
  void print_summary() const override;
};

/// The geometry of queries and keys in every head, and figures for two heads.
class SinkGeometrySection : public Section {
 public:
  SinkGeometrySection(SectionTable& table, AttentionSinksSection& attention_sinks)
      : Section(table, "sink_geometry"), attention_sinks_(attention_sinks) {}
  std::vector<Section*> needs() const override { return {&attention_sinks_}; }
  void join_second_run(const Experiment& experiment, TextRun& run) override;
  void finish(Experiment& experiment, const Options& options) override;
  void add_to(spikesink::Report& report) const override;

 private:
  AttentionSinksSection& attention_sinks_;
  std::optional<spikesink::SinkGeometryResult> heads_;
  spikesink::SinkGeometrySummary geometry_;
};

/// Which tokens a key/value cache must keep.
class KvCacheSection : public Section {
 public:
  using SinksAnywhereSection = FirstRunSection<spikesink::SinksAnywhere>;

  KvCacheSection(SectionTable& table, SinksAnywhereSection& sinks_anywhere,
                 SpikeTokensSection& spike_tokens)
      : Section(table, "kv_cache"), sinks_anywhere_(sinks_anywhere), spike_tokens_(spike_tokens) {}
  std::vector<Section*> needs() const override { return {&sinks_anywhere_, &spike_tokens_}; }
  void add_to(spikesink::Report& report) const override;

 private:
  SinksAnywhereSection& sinks_anywhere_;
  SpikeTokensSection& spike_tokens_;
};

}  // namespace examples
