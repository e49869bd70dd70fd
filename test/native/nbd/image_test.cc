// SPDX-License-Identifier: BSD-2-Clause
// The NBD client against a server that answers, goes, comes back and breaks the protocol.
#include <errno.h>
#include <signal.h>

#include <cstring>
#include <random>

#include "../check.h"
#include "disk/nbd_image.h"
#include "server.h"

using namespace std::chrono_literals;
using test::Behaviour, test::Server;
using tsbhyve::disk::NbdImage;
using Buffer = std::vector<std::uint8_t>;

namespace {

constexpr std::size_t kMiB = 1 << 20;

tsbhyve::disk::nbd::LinkOptions options(const Server& server) {
  tsbhyve::disk::nbd::LinkOptions found;
  found.unix_path = server.path();
  found.export_name = "disk";
  return found;
}

/// For servers that will never answer: how long each step lasts does not matter.
tsbhyve::disk::nbd::LinkOptions impatient(const Server& server) {
  auto found = options(server);
  found.answer_timeout = 100ms;
  found.reconnect_window = 100ms;
  return found;
}

int write(NbdImage& image, const Buffer& data, std::uint64_t offset) {
  Buffer copy = data;
  iovec parts[2] = {{copy.data(), 512}, {copy.data() + 512, copy.size() - 512}};
  return image.write(parts, 2, offset);
}

int read(NbdImage& image, Buffer& data, std::uint64_t offset) {
  iovec parts[3] = {{data.data(), 100}, {data.data() + 100, 0}, {data.data() + 100, data.size() - 100}};
  return image.read(parts, 3, offset);
}

Buffer pattern(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  Buffer data(size);
  for (auto& byte : data) byte = static_cast<std::uint8_t>(random());
  return data;
}

bool holds(NbdImage& image, const Buffer& data, std::uint64_t offset) {
  Buffer found(data.size(), 0xee);
  return read(image, found, offset) == 0 && found == data;
}

std::string refusal(Behaviour behaviour, std::chrono::milliseconds patience = 10s) {
  Server server(behaviour);
  auto patient = options(server);
  patient.connect_timeout = patience;
  try {
    NbdImage image(patient, false);
  } catch (const tsbhyve::disk::nbd::Refused& problem) {
    return problem.what();
  }
  return "";
}

void moves_bytes(bool structured, bool splits) {
  Server server({.structured = structured, .splits_reads = splits});
  NbdImage image(options(server), false);
  CHECK(image.agreed().size == kMiB);
  const Buffer data = pattern(65536, 1);
  CHECK(write(image, data, 4096) == 0);
  CHECK(std::equal(data.begin(), data.end(), server.disk.begin() + 4096));
  CHECK(holds(image, data, 4096));
  CHECK(image.zero(4096, 1024, true) == 0);
  CHECK(holds(image, Buffer(1024), 4096));
  CHECK(image.discard(8192, 4096) == 0);
  CHECK(server.flushes == 0 && image.flush() == 0 && server.flushes == 1);
  CHECK(server.stable == server.disk);
}

void cuts_long_requests() {
  Server server({.size = 8 * kMiB, .maximum_payload = 65536});
  NbdImage image(options(server), false);
  const Buffer data = pattern(5 * kMiB + 512, 2);
  CHECK(write(image, data, 512) == 0);
  CHECK(holds(image, data, 512));
  CHECK(server.longest == 65536);
}

void works_without_extras() {
  Server server({.flags = 1, .structured = false});
  NbdImage image(options(server), true);
  const Buffer data = pattern(4096, 3);
  CHECK(write(image, data, 0) == 0);
  CHECK(image.flush() == 0 && server.flushes == 0);
  CHECK(image.discard(0, 4096) == EOPNOTSUPP && holds(image, data, 0));
  CHECK(image.zero(0, 4096, false) == 0 && holds(image, Buffer(4096), 0));
}

void durable_writes() {
  Server with({});
  NbdImage image(options(with), true);
  CHECK(write(image, pattern(4096, 4), 0) == 0 && with.fua_writes == 1 && with.flushes == 0);
  Server without({.flags = 5});
  NbdImage other(options(without), true);
  CHECK(write(other, pattern(4096, 4), 0) == 0 && without.flushes == 1 && without.stable == without.disk);
}

void tells_errors() {
  for (const bool structured : {false, true}) {
    Server server({.structured = structured, .error = 28});
    NbdImage image(options(server), false);
    Buffer data(4096);
    CHECK(write(image, data, 0) == ENOSPC);
    CHECK(read(image, data, 0) == ENOSPC);
    server.behaviour.error = 0;
    CHECK(read(image, data, 0) == 0);
    CHECK(server.connections == 1);
  }
}

void many_threads() {
  Server server({.splits_reads = true, .drop_before_reply = 333});
  NbdImage image(options(server), false);
  std::vector<std::thread> threads;
  for (unsigned index = 0; index < 4; index++) {
    threads.emplace_back([&, index] {
      for (unsigned round = 0; round < 200; round++) {
        const Buffer data = pattern(8192, 1000 * index + round);
        const std::uint64_t offset = index * 262144 + round % 16 * 8192;
        CHECK(write(image, data, offset) == 0 && holds(image, data, offset));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(server.connections == 2);
}

/// The server forgets what it has not flushed whenever a connection ends; a flush on the next one answers for it all
/// the same.
void unflushed_writes_survive() {
  for (int drop = 0; drop < 7; drop++) {
    Server server({.loses_unflushed = true, .drop_before_reply = drop});
    NbdImage image(options(server), false);
    Buffer expected(kMiB);
    for (unsigned index = 0; index < 3; index++) {
      const Buffer data = pattern(4096, index);
      CHECK(write(image, data, index * 2048) == 0);
      std::copy(data.begin(), data.end(), expected.begin() + index * 2048);
    }
    CHECK(image.zero(1024, 512, true) == 0);
    std::fill_n(expected.begin() + 1024, 512, 0);
    CHECK(image.flush() == 0);
    CHECK(server.stable == expected);
    CHECK(write(image, pattern(4096, 9), 65536) == 0 && image.flush() == 0);
    CHECK(server.connections == 2);
  }
}

void unflushed_writes_are_bounded() {
  Server server({.size = 64 * kMiB});
  NbdImage image(options(server), false);
  const Buffer data = pattern(2 * kMiB, 5);
  for (std::uint64_t index = 0; index < 32; index++) CHECK(write(image, data, index * 2 * kMiB) == 0);
  CHECK(server.flushes == 1);
}

void waits_for_a_server_that_comes_back() {
  Server server({});
  NbdImage image(options(server), false);
  const Buffer data = pattern(4096, 6);
  CHECK(write(image, data, 0) == 0);
  server.stop();
  std::thread reader([&] { CHECK(holds(image, data, 0)); });
  server.start();
  reader.join();
}

void gives_up() {
  Server server({});
  auto soon = options(server);
  soon.reconnect_window = 50ms;
  NbdImage image(soon, false);
  server.stop();
  Buffer data(4096);
  CHECK(read(image, data, 0) == EIO);
  server.start();
  // It is looked for in the background; until it is found requests fail at once.
  while (read(image, data, 0) != 0) std::this_thread::sleep_for(1ms);
}

void another_export_is_refused() {
  Server server({});
  auto soon = options(server);
  soon.reconnect_window = 300ms;
  NbdImage image(soon, false);
  server.stop();
  server.behaviour.size /= 2;
  server.start();
  Buffer data(4096);
  CHECK(read(image, data, 0) == EIO);
}

void silence_ends() {
  Server server({.answers = false});
  NbdImage image(impatient(server), false);
  Buffer data(4096);
  CHECK(read(image, data, 0) == EIO);
  CHECK(image.flush() == EIO);
}

void a_server_that_goes_is_followed() {
  Server server({.error = 108});
  NbdImage image(options(server), false);
  const int before = server.connections;
  Buffer data(4096);
  std::thread reader([&] { CHECK(read(image, data, 0) == 0); });
  while (server.connections == before) std::this_thread::sleep_for(1ms);
  server.stop();
  server.behaviour.error = 0;
  server.start();
  reader.join();
}

void refusals() {
  CHECK(refusal({.go_error = 0x80000006}) == "the server has no export 'disk'");
  CHECK(refusal({.go_error = 0x80000005}).starts_with("the server wants TLS"));
  CHECK(refusal({.minimum_block = 3}) == "the server tells impossible block sizes");
  CHECK(refusal({.spoil = [](Buffer& bytes) { bytes[0] ^= 1; }}) == "this is no NBD server");
  CHECK(refusal({.spoil = [](Buffer& bytes) { bytes.resize(5); }}, 50ms) == "the server does not answer");
  // A reply that claims 4 GiB must not be waited for, let alone be given memory.
  const auto claim = [](Buffer& bytes) {
    if (bytes.size() >= 20) std::fill_n(bytes.begin() + 16, 4, 0xff);
  };
  CHECK(refusal({.spoil = claim}).starts_with("the server breaks the NBD protocol"));
}

}  // namespace

int main() {
  signal(SIGPIPE, SIG_DFL);
  moves_bytes(false, false);
  moves_bytes(true, false);
  moves_bytes(true, true);
  cuts_long_requests();
  works_without_extras();
  durable_writes();
  tells_errors();
  many_threads();
  unflushed_writes_survive();
  unflushed_writes_are_bounded();
  waits_for_a_server_that_comes_back();
  gives_up();
  another_export_is_refused();
  silence_ends();
  a_server_that_goes_is_followed();
  refusals();
  return test::report();
}
