# mounts.sh: the disks on which what a config names may lie. To be sourced by systemd/install.

# mount_unit FOLDER: what systemd calls a mount there, by systemd.unit(5).
mount_unit() {
    local LC_ALL=C text=${1#/} made='' letter at
    for ((at = 0; at < ${#text}; at++)); do
        letter=${text:at:1}
        case $letter in
        /) letter=- ;;
        .) [ -n "$made" ] || letter='\x2e' ;;
        [!A-Za-z0-9:_]) printf -v letter '\\x%02x' "$(($(printf %d "'$letter") & 255))" ;;
        esac
        made+=$letter
    done
    echo "$made.mount"
}

# mounts NAME CONFIG: models, passwords and films may lie on disks that are mounted late.
mounts() {
    local name=$1 path units_of=() file="$units/jetwatch@$1.service.d/mounts.conf"
    while read -r path; do
        while [ -n "$path" ]; do
            units_of+=("$(mount_unit "$path")")
            path=${path%/*}
        done
    done < <(sed -E 's/(^|[[:space:]])#.*//' "$2" |
        grep -oE "(^|[[:space:]{,[])(\"(file://)?/[^\"]+\"|'(file://)?/[^']+'|(file://)?/[^][:space:],}\"']+)" |
        sed -E "s,^[^/]*,,; s,[\"']\$,,; s,/+,/,g; s,/\$,,")
    if [ ${#units_of[@]} = 0 ]; then
        run rm -f "$prefix$file"
        return
    fi
    {
        echo "# Where the paths of $etc/$name.yaml lead, by systemd/install. Not RequiresMountsFor=, by which a"
        echo "# disk that fails, or is pulled out, would end the service for good."
        echo "[Unit]"
        printf '%s\n' "${units_of[@]}" | sort -u | sed 's,.*,Wants=&\nAfter=&,'
    } | written "$file"
}
