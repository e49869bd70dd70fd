// SPDX-License-Identifier: BSD-2-Clause
#include "snapshot_exports.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "convert.h"
#include "errors.h"
#include "job_handle.h"
#include "machine.h"
#include "snapshot/mapped_ram.h"
#include "snapshot/ram_jobs.h"

namespace tsbhyve {

namespace {

using snapshot::DigestBytes;
using snapshot::File;
using snapshot::Job;
using snapshot::Layer;
using snapshot::MakeRam;
using snapshot::PageSet;
using snapshot::RamImage;

PageSet pages_of(const Napi::Value& value, std::uint64_t pages) {
  const auto bytes = bytes_of(value);
  if (bytes.size() != (pages + 7) / 8) throw_coded(value.Env(), "ERR_INVALID", "the page set is not as long as memory");
  return PageSet(std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
}

std::optional<PageSet> optional_pages_of(const Napi::Value& value, std::uint64_t pages) {
  if (value.IsNull()) return std::nullopt;
  return pages_of(value, pages);
}

DigestBytes digest_of(const Napi::Value& value) {
  const auto bytes = bytes_of(value);
  DigestBytes digest{};
  if (bytes.size() != digest.size()) throw_coded(value.Env(), "ERR_INVALID", "expected a digest of 16 bytes");
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

RamImage image_of(const Napi::Value& value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_biguint64_array) {
    throw_coded(value.Env(), "ERR_INVALID", "expected segment lengths in a BigUint64Array");
  }
  const auto lengths = words_of(value, 1);
  return attempt(value.Env(), [&] { return RamImage(lengths); });
}

/// [fd, present or null, stored]
Layer layer_of(const Napi::Value& value, std::uint64_t pages) {
  if (!value.IsArray()) throw_coded(value.Env(), "ERR_INVALID", "expected a layer");
  const auto parts = value.As<Napi::Array>();
  const Napi::Value present = parts[1u], stored = parts[2u], fd = parts[0u];
  return attempt(value.Env(), [&] {
    return Layer{File(fd_of(fd)), optional_pages_of(present, pages), pages_of(stored, pages)};
  });
}

/// Of jobs that make a RAM file: the pages that are in it, and their digest.
Napi::Value follow_ram(Napi::Env env, const std::shared_ptr<Job>& job) {
  return follow(env, job, [job](Napi::Env now) -> Napi::Value {
    const auto* made = dynamic_cast<const MakeRam*>(job.get());
    if (!made) return now.Null();
    auto result = Napi::Object::New(now);
    result.Set("stored", to_bytes(now, made->stored().bytes()));
    result.Set("digest", to_bytes(now, made->digest()));
    return result;
  });
}

/// writeRam(machine, fd, present or null)
Napi::Value write_ram(const Napi::CallbackInfo& info) {
  const auto ram = Machine::from(info[0]).ram();
  auto present = optional_pages_of(info[2], ram->page_count());
  return follow_ram(info.Env(), attempt(info.Env(), [&] {
                      return std::make_shared<snapshot::WriteRam>(ram, File(fd_of(info[1])), std::move(present));
                    }));
}

/// copyRam(machine, fd, pages or null, stored)
Napi::Value copy_ram(const Napi::CallbackInfo& info) {
  const auto ram = Machine::from(info[0]).ram();
  auto pages = optional_pages_of(info[2], ram->page_count());
  PageSet stored = pages_of(info[3], ram->page_count());
  return follow_ram(info.Env(), attempt(info.Env(), [&] {
                      return std::make_shared<snapshot::CopyRam>(ram, File(fd_of(info[1])), std::move(pages),
                                                                 std::move(stored));
                    }));
}

/// sealRam(segment lengths, fd, stored)
Napi::Value seal_ram(const Napi::CallbackInfo& info) {
  RamImage image = image_of(info[0]);
  PageSet stored = pages_of(info[2], image.pages());
  return follow_ram(info.Env(), attempt(info.Env(), [&] {
                      return std::make_shared<snapshot::SealRam>(std::move(image), File(fd_of(info[1])),
                                                                 std::move(stored));
                    }));
}

/// readRam(machine, layer, digest)
Napi::Value read_ram(const Napi::CallbackInfo& info) {
  const auto ram = Machine::from(info[0]).ram();
  return follow_ram(info.Env(),
                    std::make_shared<snapshot::ReadRam>(ram, layer_of(info[1], ram->page_count()), digest_of(info[2])));
}

/// mapRam(machine, fd): a function that tells what has become of the file: 0 nothing, 1 truncated, 2 changed.
Napi::Value map_ram(const Napi::CallbackInfo& info) {
  Machine& machine = Machine::from(info[0]);
  const auto mapped =
      attempt(info.Env(), [&] { return std::make_shared<snapshot::MappedRam>(*machine.ram(), File(fd_of(info[1]))); });
  machine.keep_with_ram(mapped);
  return Napi::Function::New(info.Env(), [watched = std::weak_ptr(mapped)](const Napi::CallbackInfo& call) {
    const auto still = watched.lock();
    const auto damage =
        still ? attempt(call.Env(), [&] { return still->damage(); }) : snapshot::MappedRam::Damage::None;
    return Napi::Number::New(call.Env(), static_cast<int>(damage));
  });
}

/// verifyRam(segment lengths, fd, stored, digest)
Napi::Value verify_ram(const Napi::CallbackInfo& info) {
  RamImage image = image_of(info[0]);
  PageSet stored = pages_of(info[2], image.pages());
  return follow_ram(info.Env(), attempt(info.Env(), [&] {
                      return std::make_shared<snapshot::VerifyRam>(std::move(image), File(fd_of(info[1])),
                                                                   std::move(stored), digest_of(info[3]));
                    }));
}

/// mergeRam(segment lengths, fd, layers from the newest)
Napi::Value merge_ram(const Napi::CallbackInfo& info) {
  RamImage image = image_of(info[0]);
  if (!info[2].IsArray()) throw_coded(info.Env(), "ERR_INVALID", "expected a list of layers");
  const auto list = info[2].As<Napi::Array>();
  std::vector<Layer> layers;
  for (std::uint32_t i = 0; i < list.Length(); i++) layers.push_back(layer_of(list[i], image.pages()));
  return follow_ram(info.Env(), attempt(info.Env(), [&] {
                      return std::make_shared<snapshot::MergeRam>(std::move(image), File(fd_of(info[1])),
                                                                  std::move(layers));
                    }));
}

/// lockFile(fd, exclusive, waits): false if somebody else holds it and it does not wait. The lock goes with the last
/// descriptor of this opening.
Napi::Value lock_file(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return attempt(env, [&]() -> Napi::Value {
    const int fd = fd_of(info[0]);
    const int operation = (info[1].ToBoolean() ? LOCK_EX : LOCK_SH) | (info[2].ToBoolean() ? 0 : LOCK_NB);
    int result;
    do {
      result = flock(fd, operation);
    } while (result != 0 && errno == EINTR);
    if (result == 0) return Napi::Boolean::New(env, true);
    if (errno != EWOULDBLOCK) snapshot::fail_errno("flock");
    return Napi::Boolean::New(env, false);
  });
}

}  // namespace

Napi::Object snapshot_exports(Napi::Env env) {
  auto exports = Napi::Object::New(env);
  exports.Set("writeRam", Napi::Function::New(env, write_ram, "writeRam"));
  exports.Set("copyRam", Napi::Function::New(env, copy_ram, "copyRam"));
  exports.Set("sealRam", Napi::Function::New(env, seal_ram, "sealRam"));
  exports.Set("readRam", Napi::Function::New(env, read_ram, "readRam"));
  exports.Set("mapRam", Napi::Function::New(env, map_ram, "mapRam"));
  exports.Set("verifyRam", Napi::Function::New(env, verify_ram, "verifyRam"));
  exports.Set("mergeRam", Napi::Function::New(env, merge_ram, "mergeRam"));
  exports.Set("lockFile", Napi::Function::New(env, lock_file, "lockFile"));
  return exports;
}

}  // namespace tsbhyve
