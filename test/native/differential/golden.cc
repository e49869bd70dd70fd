// SPDX-License-Identifier: BSD-2-Clause
#include "golden.h"

#include <cstdio>
#include <fstream>

namespace tsbhyve::differential {

namespace {

constexpr u32 magic = 0x44425354;  // "TSBD"
constexpr u32 version = 1;
constexpr u32 states_per_batch = 16;
constexpr u32 block_every = 8;

struct Header {
  u32 magic_number, file_version;
  u64 seed;
  u32 batches, states;
};

struct Entry {
  u32 index;  // of the batch: with the header's seed, what its states follow from
  u32 digest;
  u16 start;  // offset in the code page
  u8 setting, length;
};

u64 seed_of(const Header& header, u32 index) { return Random(header.seed + index).next(); }

template <class T>
void write(std::ofstream& file, const T& value) {
  file.write(reinterpret_cast<const char*>(&value), sizeof(value));
}

template <class T>
bool read(std::ifstream& file, T& value) {
  return static_cast<bool>(file.read(reinterpret_cast<char*>(&value), sizeof(value)));
}

}  // namespace

bool record(Session& session, const std::string& path, u64 seed, u32 batches) {
  const std::vector<Form> forms = all_forms();
  const BlockMaker blocks(forms);
  std::ofstream file(path, std::ios::binary);
  Header header{magic, version, seed, 0, states_per_batch};
  write(file, header);
  for (u32 index = 0; index < batches; index++) {
    Random random(seed_of(header, index) ^ 1);
    const std::optional<Batch> batch =
        index % block_every ? draw_single(forms[index % forms.size()], random) : blocks.draw(random);
    if (!batch || (batch->is_block() && !batch->is_exact)) continue;
    const std::optional<u32> digest = session.digest(*batch, seed_of(header, index), states_per_batch, true);
    if (!digest) continue;
    write(file, Entry{index, *digest, static_cast<u16>(batch->test.start - code_base),
                      static_cast<u8>(batch->test.setting), static_cast<u8>(batch->test.length)});
    file.write(reinterpret_cast<const char*>(batch->test.code), batch->test.length);
    header.batches++;
  }
  file.seekp(0);
  write(file, header);
  if (!file) std::printf("cannot write %s\n", path.c_str());
  return static_cast<bool>(file);
}

bool replay(Session& session, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Header header;
  if (!read(file, header) || header.magic_number != magic || header.file_version != version) {
    std::printf("%s is not a recording of version %u\n", path.c_str(), version);
    return false;
  }
  for (u32 i = 0; i < header.batches; i++) {
    Entry entry;
    if (!read(file, entry) || entry.setting >= static_cast<u8>(Setting::Count)) return false;
    std::vector<u8> code(entry.length);
    if (!file.read(reinterpret_cast<char*>(code.data()), entry.length)) return false;
    const std::optional<Batch> batch = batch_of(static_cast<Setting>(entry.setting), code_base + entry.start, code);
    if (!batch) {
      std::printf("batch %u does not decode\n", entry.index);
      return false;
    }
    const std::optional<u32> digest = session.digest(*batch, seed_of(header, entry.index), header.states, false);
    if (digest != entry.digest) session.report_mismatch(*batch, "    not as recorded\n");
  }
  return true;
}

}  // namespace tsbhyve::differential
