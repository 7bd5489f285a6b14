// Runs one layer on the circuit; writes first and last cycle of every command, and every sum.
//
//   testbench REGISTERS EVENTS SUMS MAX_CYCLES INPUTS_AT INDICES_AT [VCD] +indices=... +subset=... +activations=...
//
// INPUTS_AT, INDICES_AT: the cycle from which on DRAM's first transfer of each is on chip.
// REGISTERS: the fields of machine::layer_t, one decimal number a line, in their order.
// EVENTS:    int64 triples (kind, start, end): 0 fetch, 1 fill, 2 direct, 3 accumulate, 4 drain.
// SUMS:      int32 triples (pixel, output channel, sum).
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "Vaccelerator.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {
enum Kind : int64_t { kFetch, kFill, kDirect, kAccumulate, kDrain, kKinds };
constexpr int kSumBits = 16;

template <typename T>
bool bit(const T& word, int n) {
  if constexpr (std::is_integral_v<T>) {
    return (word >> n) & 1;
  } else {
    return (word[n / 32] >> (n % 32)) & 1;
  }
}

template <typename T>
int16_t sum_at(const T& word, int n) {  // 16 bits never straddle a word
  if constexpr (std::is_integral_v<T>) {
    return static_cast<int16_t>(word >> (n * kSumBits));
  } else {
    return static_cast<int16_t>(word[n / 2] >> (n % 2 * kSumBits));
  }
}

template <typename T>
void write(const char* path, const std::vector<T>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

struct Recorder {
  std::vector<int64_t> events;
  int64_t begun[kKinds] = {};
  void record(Kind kind, bool begins, bool ends, int64_t cycle) {
    if (begins) begun[kind] = cycle;
    if (ends) events.insert(events.end(), {kind, begun[kind], cycle + 1});
  }
};
}  // namespace

int main(int argc, char** argv) {
  std::vector<const char*> paths;
  for (int i = 1; i < argc; i++) {
    if (argv[i][0] != '+') paths.push_back(argv[i]);
  }
  if (paths.size() < 6) return fprintf(stderr, "expected six arguments\n"), 2;
  auto context = std::make_unique<VerilatedContext>();
  context->commandArgs(argc, argv);
  auto top = std::make_unique<Vaccelerator>(context.get());
  std::ifstream file(paths[0]);
  const std::vector<uint32_t> fields{std::istream_iterator<uint32_t>(file), {}};
  constexpr size_t kFields = sizeof(top->layer) / 4;
  if (fields.size() != kFields) return fprintf(stderr, "expected %zu registers\n", kFields), 2;
  for (size_t i = 0; i < kFields; i++) top->layer[kFields - 1 - i] = fields[i];
  const bool direct = fields[0];
  const int64_t max_cycles = atoll(paths[3]);
  const int64_t inputs_at = atoll(paths[4]), indices_at = atoll(paths[5]);

#if VM_TRACE
  VerilatedVcdC vcd;
  context->traceEverOn(true);
  if (paths.size() > 6) top->trace(&vcd, 99), vcd.open(paths[6]);
#endif
  auto dump = [&](int64_t time) {
#if VM_TRACE
    if (vcd.isOpen()) vcd.dump(static_cast<uint64_t>(time));
#else
    (void)time;
#endif
  };
  // A cycle is 1 ns, in picoseconds.
  auto begin_cycle = [&](int64_t cycle) {
    top->clk = 1;
    top->eval();
    if (top->start || cycle == inputs_at || cycle == indices_at) {
      top->start = 0;
      top->inputs_there = cycle >= inputs_at;
      top->indices_there = cycle >= indices_at;
      top->eval();
    }
    dump(1000 * cycle);
  };
  auto half_cycle = [&](int64_t cycle) {
    top->clk = 0;
    top->eval();
    dump(1000 * cycle + 500);
  };

  Recorder recorder;
  std::vector<int32_t> sums;
  top->start = 1;
  top->clk = 0;
  top->eval();
  int64_t cycle = 0;
  for (; cycle < max_cycles; cycle++) {
    begin_cycle(cycle);
    if (top->done) break;
    recorder.record(kFetch, top->fetch_begins, top->fetch_ends, cycle);
    recorder.record(direct ? kDirect : kFill, top->dot_begins, top->dot_ends, cycle);
    for (uint32_t i = 0; i < top->add_skips; i++) {
      recorder.events.insert(recorder.events.end(), {kAccumulate, cycle, cycle});
    }
    recorder.record(kAccumulate, top->add_begins, top->add_ends, cycle);
    recorder.record(kDrain, top->drain_begins, top->drain_ends, cycle);
    if (top->out_valid) {
      int32_t pixel = top->out_pixel;
      for (int p = 0; p < PES; p++) {
        if (!bit(top->out_taps, p)) continue;
        for (int a = 0; a < ACCUMULATORS; a++) {
          if (!bit(top->out_lanes, a)) continue;
          const int32_t channel = top->out_channel + a;
          sums.insert(sums.end(), {pixel, channel, sum_at(top->out_sums, a * PES + p)});
        }
        pixel++;
      }
    }
    half_cycle(cycle);
  }
#if VM_TRACE
  if (vcd.isOpen()) vcd.close();
#endif
  write(paths[1], recorder.events);
  write(paths[2], sums);
  if (cycle == max_cycles) return fprintf(stderr, "not done after %ld cycles\n", cycle), 3;
  return 0;
}
