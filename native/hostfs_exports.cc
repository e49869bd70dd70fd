// SPDX-License-Identifier: BSD-2-Clause
#include "hostfs_exports.h"

#include <unistd.h>

#include <algorithm>
#include <bit>

#include "convert.h"
#include "errors.h"
#include "hostfs/folder.h"
#include "hostfs/listing.h"

namespace tsbhyve {

namespace {

namespace hostfs = tsbhyve::hostfs;
using Info = Napi::CallbackInfo;

int fd_of(const Info& info) { return info[0].ToNumber().Int32Value(); }

/// Names are bytes, one in each character of a string.
std::string name_of(const Napi::Value& value) {
  if (!value.IsString()) throw_coded(value.Env(), "ERR_INVALID", "expected a string");
  std::size_t length = 0;
  napi_get_value_string_latin1(value.Env(), value, nullptr, 0, &length);
  std::string bytes(length + 1, '\0');
  napi_get_value_string_latin1(value.Env(), value, bytes.data(), bytes.size(), &length);
  bytes.resize(length);
  return bytes;
}

std::string path_of(const Info& info) { return name_of(info[1]); }

Napi::Value number(const Info& info, std::int64_t value) {
  return Napi::Number::New(info.Env(), static_cast<double>(value));
}

Napi::Value open_root(const Info& info) { return number(info, hostfs::open_root(info[0].ToString().Utf8Value())); }

Napi::Value close_fd(const Info& info) {
  close(fd_of(info));
  return info.Env().Undefined();
}

/// A struct of 64-bit words into the array that was given for it.
template <class Words, std::size_t count>
void give(const Napi::Value& value, const Words& words) {
  const auto all = std::bit_cast<std::array<std::uint64_t, count>>(words);
  std::copy(all.begin(), all.end(), words_of(value, count).begin());
}

Napi::Value stat_path(const Info& info) {
  hostfs::Attributes found{};
  const int error = hostfs::stat_path(fd_of(info), path_of(info), found);
  give<hostfs::Attributes, hostfs::ATTRIBUTE_WORDS>(info[2], found);
  return number(info, error);
}

/// statFile(root, fd, words)
Napi::Value stat_file(const Info& info) {
  hostfs::Attributes found{};
  const int error = hostfs::attributes(fd_of(info), info[1].ToNumber().Int32Value(), "", found);
  give<hostfs::Attributes, hostfs::ATTRIBUTE_WORDS>(info[2], found);
  return number(info, error);
}

Napi::Value open_path(const Info& info) {
  return number(info, hostfs::open_path(fd_of(info), path_of(info), to_u32(info[2], "flags")));
}

Napi::Value create_file(const Info& info) {
  const std::uint32_t flags = to_u32(info[2], "flags"), mode = to_u32(info[3], "mode");
  return number(info, hostfs::create_file(fd_of(info), path_of(info), flags, mode));
}

Napi::Value make_folder(const Info& info) {
  return number(info, hostfs::make_folder(fd_of(info), path_of(info), to_u32(info[2], "mode")));
}

Napi::Value make_symlink(const Info& info) {
  return number(info, hostfs::make_symlink(fd_of(info), path_of(info), name_of(info[2])));
}

Napi::Value make_link(const Info& info) {
  return number(info, hostfs::make_link(fd_of(info), path_of(info), name_of(info[2])));
}

Napi::Value rename_path(const Info& info) {
  return number(info, hostfs::rename_path(fd_of(info), path_of(info), name_of(info[2])));
}

Napi::Value remove_path(const Info& info) {
  return number(info, hostfs::remove_path(fd_of(info), path_of(info), info[2].ToBoolean()));
}

/// The bytes of the target, or an error.
Napi::Value read_link(const Info& info) {
  std::string target;
  const int error = hostfs::read_link(fd_of(info), path_of(info), target);
  return error == 0 ? to_bytes(info.Env(), {target.begin(), target.end()}) : number(info, error);
}

Napi::Value set_mode(const Info& info) {
  return number(info, hostfs::set_mode(fd_of(info), path_of(info), to_u32(info[2], "mode")));
}

Napi::Value set_owner(const Info& info) {
  const std::uint32_t uid = to_u32(info[2], "uid"), gid = to_u32(info[3], "gid");
  return number(info, hostfs::set_owner(fd_of(info), path_of(info), uid, gid));
}

/// setTimes(root, path, words): kind, seconds and nanoseconds of the access, then of the modification.
Napi::Value set_times(const Info& info) {
  const auto words = words_of(info[2], 6);
  const auto time_at = [&](std::size_t at) {
    const auto kind = static_cast<hostfs::Time::Kind>(std::min<std::uint64_t>(words[at], 2));
    return hostfs::Time{kind, static_cast<std::int64_t>(words[at + 1]), static_cast<std::int64_t>(words[at + 2])};
  };
  return number(info, hostfs::set_times(fd_of(info), path_of(info), time_at(0), time_at(3)));
}

Napi::Value set_size(const Info& info) {
  return number(info, hostfs::set_size(fd_of(info), path_of(info), to_u64(info[2], "size")));
}

Napi::Value set_file_size(const Info& info) {
  return number(info, hostfs::set_file_size(fd_of(info), to_u64(info[1], "size")));
}

Napi::Value read_file(const Info& info) {
  return number(info, hostfs::read_file(fd_of(info), to_u64(info[1], "offset"), bytes_of(info[2])));
}

Napi::Value write_file(const Info& info) {
  return number(info, hostfs::write_file(fd_of(info), to_u64(info[1], "offset"), bytes_of(info[2])));
}

Napi::Value sync_file(const Info& info) { return number(info, hostfs::sync_file(fd_of(info), info[1].ToBoolean())); }

/// listFolder(root, fd, isRoot): entries as in hostfs/listing.h, or an error.
Napi::Value list_folder(const Info& info) {
  std::vector<std::uint8_t> entries;
  const int error = hostfs::list_folder(fd_of(info), info[1].ToNumber().Int32Value(), info[2].ToBoolean(), entries);
  return error == 0 ? to_bytes(info.Env(), entries) : number(info, error);
}

Napi::Value space_of(const Info& info) {
  hostfs::Space found{};
  const int error = hostfs::space_of(fd_of(info), found);
  give<hostfs::Space, hostfs::SPACE_WORDS>(info[1], found);
  return number(info, error);
}

template <Napi::Value (*call)(const Info&)>
void add(Napi::Object exports, const char* name) {
  const auto checked = [](const Info& info) { return guarded(info.Env(), [&] { return call(info); }); };
  exports.Set(name, Napi::Function::New(exports.Env(), checked, name));
}

}  // namespace

Napi::Object hostfs_exports(Napi::Env env) {
  auto exports = Napi::Object::New(env);
  add<open_root>(exports, "openRoot");
  add<close_fd>(exports, "close");
  add<stat_path>(exports, "stat");
  add<stat_file>(exports, "statFile");
  add<open_path>(exports, "open");
  add<create_file>(exports, "create");
  add<make_folder>(exports, "makeFolder");
  add<make_symlink>(exports, "symlink");
  add<make_link>(exports, "link");
  add<rename_path>(exports, "rename");
  add<remove_path>(exports, "remove");
  add<read_link>(exports, "readLink");
  add<set_mode>(exports, "setMode");
  add<set_owner>(exports, "setOwner");
  add<set_times>(exports, "setTimes");
  add<set_size>(exports, "setSize");
  add<set_file_size>(exports, "setFileSize");
  add<read_file>(exports, "read");
  add<write_file>(exports, "write");
  add<sync_file>(exports, "sync");
  add<list_folder>(exports, "list");
  add<space_of>(exports, "space");
  return exports;
}

}  // namespace tsbhyve
