#!/usr/bin/env bash
# bindings: makes folders with TensorRT's real Python bindings over null libraries.
#
#   tests/contract/bindings.sh DEST PYTHON...
#
# Makes DEST/VERSION, about 5 MB, for each version that one of the Pythons can load, and notes in
# DEST/VERSION/python for which it is. Needs pip, gcc and binutils. A folder that is there is kept.
# Fails if a version is there for none, or cannot be made; the others are made all the same.
set -euo pipefail
say() { echo "bindings: $*"; }
[ $# -ge 2 ] || { sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$0"; exit 2; }
dest=$1
shift
pythons=("$@")
versions=( # VERSION FIRST-PYTHON LAST-PYTHON
    "8.6.1 3.6 3.11"
    "10.3.0 3.8 3.12"
    "10.13.3.9 3.8 3.13"
    "10.16.1.11 3.8 3.13"
    "11.4.0.106 3.9 3.13"
)

# Only the default index: one on the disk that pip.conf names may offer wheels without saying which
# Python they need.
export PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS='' PIP_DISABLE_PIP_VERSION_CHECK=1
certificates=/etc/ssl/certs/ca-certificates.crt
if [ -z "${PIP_CERT:-}" ] && [ -f $certificates ]; then export PIP_CERT=$certificates; fi

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

# python_for FIRST LAST: the first of the Pythons that is neither older nor newer.
python_for() {
    local python
    for python in "${pythons[@]}"; do
        if "$python" -c 'import sys; first, last = ([int(n) for n in one.split(".")] for one in sys.argv[1:])
sys.exit(not first <= list(sys.version_info[:2]) <= last)' "$1" "$2"; then
            echo "$python"
            return
        fi
    done
    return 1
}

# LD_BIND_NOW resolves every symbol at import, so this also proves that no entry point is missing.
imports() { # PYTHON FOLDER
    LD_BIND_NOW=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$2 "$1" -W ignore -c 'import tensorrt'
}

make_bindings() { # VERSION PYTHON FOLDER
    local package=tensorrt-cu12-bindings folder=$3 so name
    case $1 in 8.*) package=tensorrt-bindings ;; esac
    rm -rf "$folder"
    mkdir -p "$folder"
    "${pythons[-1]}" -m pip download -q --retries 1 --no-deps --only-binary=:all: --implementation cp \
        --abi none --python-version "$(version_of "$2")" --platform manylinux_2_17_x86_64 \
        --platform manylinux_2_28_x86_64 -d "$folder" "$package==$1" &&
        "$2" -m zipfile -e "$folder"/*.whl "$folder" || return
    rm "$folder"/*.whl
    ln -s tensorrt_bindings "$folder/tensorrt"

    # The bindings need a dozen entry points of the missing libraries. Each becomes a function that
    # returns null, which is what TensorRT's own factories return where there is no GPU.
    so=$folder/tensorrt/tensorrt.so
    nm -D --undefined-only "$so" | awk '$1 == "U" { print $2 }' |
        grep -E '^(create(Infer|NvOnnx)|get(Builder)?PluginRegistry$|getNvOnnx|initLibNvInfer|_ZN[0-9]+nv(uff|caffe)parser)' |
        sort -u | sed 's/.*/void *&(void) { return 0; }/' >"$folder/null.c"
    : >"$folder/empty.c"
    for name in $(readelf -d "$so" | grep -oE 'libnv[a-z_]+\.so\.[0-9]+' | sort -u); do
        case $name in libnvinfer.so.*) source=null ;; *) source=empty ;; esac
        gcc -shared -fPIC -w "-Wl,-soname,$name" -o "$folder/tensorrt/$name" \
            "$folder/$source.c" || return
    done
    imports "$2" "$folder" && version_of "$2" >"$folder/python"
}

mkdir -p "$dest"
trap 'rm -rf "$dest"/*.new' EXIT
failed=0
for line in "${versions[@]}"; do
    read -r version first last <<<"$line"
    if ! python=$(python_for "$first" "$last"); then
        say "none of these Pythons is for TensorRT $version, which wants $first to $last"
        failed=1
        continue
    fi
    folder=$dest/$version
    [ "$(cat "$folder/python" 2>/dev/null)" != "$(version_of "$python")" ] || continue
    if make_bindings "$version" "$python" "$folder.new"; then
        rm -rf "$folder"
        mv "$folder.new" "$folder"
        say "made TensorRT $version for Python $(version_of "$python")"
    else
        say "cannot make TensorRT $version"
        failed=1
    fi
done
exit $failed
