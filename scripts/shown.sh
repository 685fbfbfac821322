# shown: commands that --dry-run shows in place of running them. Sourced after common.sh, not run.

dry=''
prefix='' # of the files, for packages and tests

# absolute PATH: as the caller meant it, before common.sh went to the checkout.
absolute() { (cd "$caller" && realpath -m "$1"); }

# run COMMAND...: or show it.
run() {
    if [ -n "$dry" ]; then
        printf '+'
        printf ' %q' "$@"
        echo
    else
        "$@"
    fi
}

# written FILE [MODE]: its standard input becomes that file, in one step; says whether it changed.
written() {
    local file=$prefix$1 mode=${2:-644} text
    text=$(cat)
    if [ -f "$file" ] && [ "$text" = "$(cat "$file")" ]; then return 0; fi
    if [ -n "$dry" ]; then
        echo "+ write $file:"
        # shellcheck disable=SC2001 # of every line
        sed 's/^/    /' <<<"$text"
        return 0
    fi
    mkdir -p "$(dirname "$file")"
    printf '%s\n' "$text" >"$file.new"
    chmod "$mode" "$file.new"
    mv -f "$file.new" "$file"
    say "wrote $file"
}

# pip INTERPRETER ARGUMENT...: install in its environment; its own lines are the progress.
pip() {
    local python=$1
    shift
    run "$python" -m pip install --retries 2 "$@" </dev/null ||
        die "pip could not; the lines above say why. Once mended, run this again: it goes on where it stopped"
}

# environment FOLDER PYTHON: a venv that sees the system's packages, with a pip that sees today's wheels.
environment() {
    local folder=$1 python=$2 version
    version=$(version_of "$python")
    if [ ! -x "$folder/bin/python" ] || ! "$folder/bin/python" -c 'import pip' 2>/dev/null; then
        say "making $folder with $python ($version)"
        run "$python" -m venv --clear --system-site-packages "$folder" ||
            die "$python cannot make $folder. Run: sudo apt-get install python3-venv"
    fi
    if [ "$version" = 3.6 ]; then
        # The last for 3.6. Its own sees neither today's wheels nor which of them are for it.
        pip "$folder/bin/python" -q -U 'pip==21.3.1'
        pip "$folder/bin/python" -q -U 'setuptools==59.6.0' 'wheel==0.37.1'
    else
        pip "$folder/bin/python" -q -U pip setuptools wheel
    fi
}
