// SPDX-License-Identifier: BSD-2-Clause
// Every opcode of every map with every ModRM byte under many prefixes, and random byte strings, against Zydis.
#include <cstdio>
#include <map>
#include <random>
#include <vector>

#include "../check.h"
#include "zydis_compare.h"

namespace {

using namespace tsbhyve::soft;
using Bytes = std::vector<u8>;

constexpr const char* size_names[] = {"16", "32", "64"};

const std::vector<Bytes> prefix_sets = {
    {},
    {0x66},
    {0x67},
    {0xf2},
    {0xf3},
    {0xf0},
    {0x66, 0xf2},
    {0xf3, 0x66},
    {0xf2, 0xf3},
    {0xf3, 0xf2},
    {0x66, 0x67},
    {0x2e},
    {0x36},
    {0x64},
    {0x65, 0x3e},
    {0x64, 0x67},
    {0x66, 0xf0},
    {0xf3, 0xf0},
    // REX from here on: INC and DEC outside 64-bit mode
    {0x40},
    {0x41},
    {0x42},
    {0x44},
    {0x48},
    {0x4f},
    {0x66, 0x48},
    {0x66, 0x45},
    {0xf2, 0x4d},
    {0xf3, 0x48},
    {0xf0, 0x49},
    {0x67, 0x4f},
    {0x48, 0x66},
    {0x4f, 0x2e},
    {0x66, 0xf2, 0x48},
};
constexpr size_t first_rex_set = 18;

const std::vector<Bytes> maps = {{}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}};

class Run {
 public:
  /// Under sanitizers only every nth.
  bool takes_next() { return ++offered_ % ::test::work_divisor == 0; }
  void check(const Bytes& bytes, size_t available, CodeSize code_size) {
    ++cases_;
    const std::string difference = tsbhyve::soft::test::compare_with_zydis(bytes.data(), available, code_size);
    if (difference.empty()) return;
    Kind& kind = kinds_[std::string(size_names[static_cast<size_t>(code_size)]) + "-bit: " + difference];
    if (kind.count++ == 0) kind.example = Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(available));
  }

  int report() const {
    for (const auto& [text, kind] : kinds_) {
      std::printf("%s: %zu times, first with", text.c_str(), kind.count);
      for (const u8 byte : kind.example) std::printf(" %02x", byte);
      std::printf("\n");
    }
    std::printf("decode against Zydis: %zu cases, %zu kinds of difference\n", cases_, kinds_.size());
    return kinds_.empty() ? 0 : 1;
  }

 private:
  struct Kind {
    size_t count = 0;
    Bytes example;
  };
  std::map<std::string, Kind> kinds_;
  size_t offered_ = 0, cases_ = 0;
};

void enumerate(Run& run, CodeSize code_size) {
  const size_t sets = code_size == CodeSize::Bits64 ? prefix_sets.size() : first_rex_set;
  for (size_t set = 0; set < sets; ++set)
    for (const Bytes& map : maps)
      for (unsigned opcode = 0; opcode < 256; ++opcode)
        for (unsigned modrm = 0; modrm < 256; ++modrm) {
          if (!run.takes_next()) continue;
          Bytes bytes = prefix_sets[set];
          bytes.insert(bytes.end(), map.begin(), map.end());
          // The SIB byte runs through its values as opcode and ModRM do; the displacement bytes are all negative.
          bytes.insert(bytes.end(), {static_cast<u8>(opcode), static_cast<u8>(modrm),
                                     static_cast<u8>(opcode * 37 + modrm * 5 + set)});
          while (bytes.size() < 24) bytes.push_back(static_cast<u8>(0x80 + bytes.size()));
          run.check(bytes, bytes.size(), code_size);
        }
}

void all_addresses(Run& run, CodeSize code_size) {
  for (const Bytes& prefixes : prefix_sets)
    for (unsigned modrm = 0; modrm < 256; ++modrm)
      for (unsigned sib = 0; sib < 256; ++sib) {
        if (!run.takes_next()) continue;
        Bytes bytes = prefixes;
        bytes.insert(bytes.end(),
                     {0x8b, static_cast<u8>(modrm), static_cast<u8>(sib), 0x12, 0xf4, 0x56, 0x78, 0x9a, 0xbc});
        run.check(bytes, bytes.size(), code_size);
      }
}

void random_strings(Run& run, CodeSize code_size, size_t count) {
  std::mt19937 random(20240229);
  constexpr u8 prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x64, 0x65, 0x3e, 0x26, 0x48, 0x41, 0x4f};
  Bytes bytes(20);
  for (size_t i = 0; i < count; ++i) {
    const u32 choice = static_cast<u32>(random());
    size_t position = 0;
    for (size_t n = choice % 16 ? choice % 4 : choice >> 8 & 15; n > 0; --n)
      bytes[position++] = prefixes[random() % sizeof prefixes];
    if (choice & 0x10000) bytes[position++] = 0x0f;
    while (position < bytes.size()) bytes[position++] = static_cast<u8>(random());
    run.check(bytes, choice & 0x20000 ? bytes.size() : choice >> 20 & 15, code_size);
  }
}

}  // namespace

int main() {
  Run run;
  for (const CodeSize code_size : {CodeSize::Bits16, CodeSize::Bits32, CodeSize::Bits64}) {
    enumerate(run, code_size);
    all_addresses(run, code_size);
    random_strings(run, code_size, 1'000'000 / ::test::work_divisor);
  }
  return run.report();
}
