# common: what the scripts share. Sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
step=$(basename "$0")
caller=$PWD
cd "$root"

# Without the first, a process with an RTSP server grows with every viewer.
export MALLOC_ARENA_MAX=2 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

gstreamer_packages=(
    python3-gi gir1.2-gst-rtsp-server-1.0 gir1.2-gst-plugins-base-1.0
    gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
    gstreamer1.0-plugins-ugly gstreamer1.0-libav glib-networking
)

say() { echo "$step: $*"; }
die() { echo "$step: $*" >&2; exit 1; }

# The comment at the top of a script, from its second line on, is its help.
help_wanted() {
    sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$0"
}

# Debian packages: asks apt for those that are missing, if it may; never fails for want of them.
debian_packages() {
    local missing=() package sudo=()
    command -v dpkg-query >/dev/null || {
        say "not a Debian or Ubuntu, so nothing by apt; useful would be: $*"
        return 0
    }
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            say "missing, and this user may not install it; going on without. To have it, run:"
            say "  sudo apt-get install --no-install-recommends ${missing[*]}"
            return 0
        fi
        sudo=(sudo -n)
    fi
    say "installing by apt: ${missing[*]}"
    apt_install "${missing[@]}" && return 0
    say "refreshing apt's lists"
    "${sudo[@]}" apt-get -qq update </dev/null || true
    apt_install "${missing[@]}" && return 0
    for package in "${missing[@]}"; do
        apt_install "$package" || say "apt cannot install $package; going on without"
    done
}

apt_install() {
    local output
    output=$("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends -o DPkg::Lock::Timeout=120 "$@" </dev/null 2>&1) && return 0
    tail -n 2 <<<"$output"
    return 1
}

# Whether a Python is 3.6 or newer and can make a virtual environment.
makes_venvs() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 6))' 2>/dev/null
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

# The system's Python, for which the distribution's GStreamer bindings are; or what there is.
system_python() {
    local python
    for python in /usr/bin/python3 "$(command -v python3 || true)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3*/bin/python; do
        if [ -n "$python" ] && makes_venvs "$python"; then
            echo "$python"
            return
        fi
    done
    die "no Python from 3.6 on that can make a virtual environment. Run: sudo apt-get install python3-venv"
}

# stamp VENV FILE...: what VENV was made from, to tell whether it still is that.
stamp() {
    local venv=$1
    shift
    { echo "$root/$venv" && "$venv/bin/python" -VV && cat "$@"; } 2>/dev/null | sha256sum
}

# ready VENV FILE...: whether VENV was made to the end, from these very files.
ready() {
    [ -f "$1/.ready" ] && [ "$(stamp "$@")" = "$(cat "$1/.ready")" ]
}

made() { stamp "$@" >"$1/.ready"; }

# alone VENV COMMAND...: run it while no other script makes that environment.
alone() {
    local lock=.venvs/${1##*/}.lock
    shift
    mkdir -p .venvs
    (
        flock 9
        "$@"
    ) 9>"$lock"
}

# new_venv VENV PYTHON [OPTION...]: in place of whatever is there.
new_venv() {
    local venv=$1 python=$2
    shift 2
    rm -rf "$venv"
    "$python" -m venv "$@" "$venv" || die "$python cannot make $venv"
    if [ "$(version_of "$python")" = 3.6 ]; then
        # The pip that comes with 3.6 sees neither today's wheels nor which of them are for it.
        pip_in "$venv" 'pip==21.3.1'
        pip_in "$venv" 'setuptools==59.6.0' 'wheel==0.37.1'
    fi
}

# pip_in VENV ARGUMENT...: install; says nothing unless it fails.
pip_in() {
    local venv=$1 log=$1/pip.log certificates=/etc/ssl/certs/ca-certificates.crt
    shift
    local install=("$venv/bin/python" -m pip install -q --retries 2 "$@")
    if [ "$(version_of "$venv/bin/python")" = 3.6 ]; then
        # A pip.conf may name folders that do not say which Python a wheel is for, and then pip
        # takes one that 3.6 cannot use. So pip is asked without it first.
        [ -n "${PIP_CERT:-}" ] || [ ! -f $certificates ] || export PIP_CERT=$certificates
        PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS='' "${install[@]}" </dev/null >"$log" 2>&1 && return 0
    fi
    "${install[@]}" </dev/null >"$log" 2>&1 && return 0
    grep -E '^ *ERROR|No module' "$log" | tail -n 2 || tail -n 2 "$log"
    return 1
}

# has_gstreamer PYTHON: whether it can serve RTSP.
has_gstreamer() {
    "$1" - 2>/dev/null <<'PYTHON'
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
PYTHON
}

# Python 3.6 and the environment for it, which scripts/test and scripts/check share

# python_36: its path; fails if there is none.
python_36() {
    local python
    for python in "$(command -v python3.6 || true)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.6.*/bin/python3.6; do
        if [ -n "$python" ] && makes_venvs "$python"; then
            echo "$python"
            return
        fi
    done
    return 1
}

no_python_36() {
    say "############################################################################"
    say "# NO PYTHON 3.6 HERE: $1"
    say "# Jetson Nano and TX2 have 3.6 alone, so a floor that is not tried is lost. #"
    say "# Install it with: pyenv install 3.6.15                                     #"
    say "############################################################################"
}

make_36() {
    local venv=.venvs/3.6 sources=(scripts/python36.txt scripts/common.sh setup.py)
    ! ready $venv "${sources[@]}" || return 0
    say "making $venv with pinned packages"
    new_venv $venv "$(python_36)"
    pip_in $venv --no-deps -r scripts/python36.txt
    install_ourselves $venv --no-deps --no-build-isolation .
    say "building GStreamer's bindings for Python 3.6"
    pip_in $venv --no-deps pycairo==1.20.1 PyGObject==3.42.2 >/dev/null ||
        say "they cannot be built here (libgirepository1.0-dev, libcairo2-dev, gcc?); going on without"
    made $venv "${sources[@]}"
}

# install_ourselves VENV ARGUMENT...: editable; one at a time, as each writes the same egg-info.
install_ourselves() {
    (
        flock 9
        pip_in "$1" "${@:2:$#-2}" -e "${!#}"
    ) 9>.venvs/lock
}
