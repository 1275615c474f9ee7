# How full the disks of a host are: a plugin in shell script.

# Tell how full the file system of a folder is.
# args: folder
# effects: read_only
used() {
    _check "$1"
    df -P -- "$1" | awk 'NR == 2 { print $5 }'
}

# Say hello.
# args: name [greeting]
greet() {
    echo "${2:-Hello}, $1"
}

_check() {
    [ -d "$1" ] && return
    echo "$1 is no folder" >&2
    exit 3
}
