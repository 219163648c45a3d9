#include "conformance/archives.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <stdexcept>

namespace mesos::conformance {
namespace {

using Writer = std::unique_ptr<archive, decltype(&archive_write_free)>;

void demand(int result, const Writer& writer) {
  if (result != ARCHIVE_OK) throw std::runtime_error(archive_error_string(writer.get()));
}

la_ssize_t append(archive*, void* output, const void* bytes, std::size_t size) {
  static_cast<std::string*>(output)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

void addFile(const Writer& writer, const std::string& path, const std::string& content) {
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                            archive_entry_free);
  archive_entry_set_pathname(entry.get(), path.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  demand(archive_write_header(writer.get(), entry.get()), writer);
  archive_write_data(writer.get(), content.data(), content.size());
}

int addFilter(archive* writer, ArchiveKind kind) {
  switch (kind) {
    case ArchiveKind::TarGz:
      return archive_write_add_filter_gzip(writer);
    case ArchiveKind::TarBz2:
      return archive_write_add_filter_bzip2(writer);
    case ArchiveKind::TarXz:
      return archive_write_add_filter_xz(writer);
    case ArchiveKind::Tar:
    case ArchiveKind::Zip:
      return ARCHIVE_OK;
  }
  return ARCHIVE_OK;
}

std::string write(const Writer& writer, const std::map<std::string, std::string>& files) {
  std::string output;
  // The last block needs no padding: it is not a tape.
  archive_write_set_bytes_in_last_block(writer.get(), 1);
  demand(archive_write_open(writer.get(), &output, nullptr, append, nullptr), writer);
  for (const auto& [path, content] : files) addFile(writer, path, content);
  demand(archive_write_close(writer.get()), writer);
  return output;
}

}  // namespace

std::string archiveOf(ArchiveKind kind, const std::map<std::string, std::string>& files) {
  const Writer writer(archive_write_new(), archive_write_free);
  demand(kind == ArchiveKind::Zip ? archive_write_set_format_zip(writer.get())
                                  : archive_write_set_format_ustar(writer.get()),
         writer);
  demand(addFilter(writer.get(), kind), writer);
  return write(writer, files);
}

std::string gzipOf(const std::string& content) {
  const Writer writer(archive_write_new(), archive_write_free);
  demand(archive_write_set_format_raw(writer.get()), writer);
  demand(archive_write_add_filter_gzip(writer.get()), writer);
  return write(writer, {{"content", content}});
}

}  // namespace mesos::conformance
