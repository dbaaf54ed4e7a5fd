# Completion of rowferry for bash. tests/unit/tools holds the lists of options against the program's.

_rowferry() {
    local command=${COMP_WORDS[1]-} current=${COMP_WORDS[COMP_CWORD]}
    local previous=${COMP_WORDS[COMP_CWORD - 1]} options='' files=''
    local profiles='gitea synapse vaultwarden'
    COMPREPLY=()
    compopt +o default 2>/dev/null

    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W \
            'capture replay sync check verify log show restore diff status prune export import keygen profiles help --help --version' -- "$current")
        return
    fi

    case $command in
        capture) options='-r --repo -t --table -T --exclude-table --include-shadow -j --jobs -n --dry-run --same-source --through-sqlite --busy-timeout --sign-key --trusted-key --profile -c --config --json --progress -q --quiet -v --verbose -h --help' files=yes ;;
        replay) options='-r --repo -d --target --postgres-config --schema -s --snapshot --to -t --table -T --exclude-table -j --jobs --fold-names --existing --atomic --no-foreign-keys --on-mismatch --bad-text --any-locale --remake --overwrite-target -n --dry-run --trusted-key --profile -c --config --json --progress -q --quiet -v --verbose -h --help' ;;
        sync) options='-r --repo -d --target --postgres-config --schema -t --table -T --exclude-table --include-shadow -j --jobs --fold-names --existing --atomic --no-foreign-keys --on-mismatch --bad-text --any-locale --remake --overwrite-target -n --dry-run --final --verify --same-source --through-sqlite --busy-timeout --sign-key --trusted-key --profile -c --config --json --progress -q --quiet -v --verbose -h --help' files=yes ;;
        check) options='-r --repo -d --target --postgres-config --schema -t --table -T --exclude-table --include-shadow -j --jobs --fold-names --existing --atomic --no-foreign-keys --on-mismatch --bad-text --any-locale --busy-timeout --profile -c --config --example-config --json --sql --progress -q --quiet -v --verbose -h --help' files=yes ;;
        verify) options='-r --repo -d --target --postgres-config --schema -s --snapshot -t --table -T --exclude-table -j --jobs --trusted-key --profile -c --config --json --progress -q --quiet -v --verbose -h --help' ;;
        log) options='-r --repo -t --table -T --exclude-table --trusted-key -c --config --json -q --quiet -v --verbose -h --help' ;;
        show) options='-r --repo -s --snapshot -t --table -T --exclude-table --trusted-key -c --config --json -q --quiet -v --verbose -h --help' ;;
        restore) options='-r --repo -s --snapshot -o --output --force --verify --trusted-key -c --config --json --progress -q --quiet -v --verbose -h --help' ;;
        diff) options='-r --repo --schema -t --table -T --exclude-table --trusted-key -c --config --json --sql --sqlite --rows -q --quiet -v --verbose -h --help' ;;
        status) options='-r --repo -d --target --postgres-config --schema -t --table -T --exclude-table --include-shadow --trusted-key --profile -c --config --json -q --quiet -v --verbose -h --help' files=yes ;;
        prune) options='-r --repo -d --target --postgres-config --schema -j --jobs --keep-last --keep-hourly --keep-daily --keep-weekly --keep-monthly --keep-yearly --keep-within -n --dry-run --sign-key --trusted-key -c --config --json --progress -q --quiet -v --verbose -h --help' ;;
        export) options='-r --repo --schema -o --output --force --since --since-target --trusted-key -c --config --json --progress -q --quiet -v --verbose -h --help' ;;
        import) options='-r --repo --trusted-key -c --config --json --progress -q --quiet -v --verbose -h --help' files=yes ;;
        keygen) options='-o --output --json -q --quiet -v --verbose -h --help' ;;
        profiles) options='--json -h --help' ;;
        help) options='capture replay sync check verify log show restore diff status prune export import keygen profiles' ;;
    esac

    case $previous in
        -r | --repo)
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            compopt -o filenames
            ;;
        -c | --config | --postgres-config | -o | --output)
        -c | --config | --postgres-config | -o | --output | --sign-key | --trusted-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            compopt -o filenames
            ;;
        --profile)
            mapfile -t COMPREPLY < <(compgen -W "$profiles" -- "$current"; compgen -f -- "$current")
            compopt -o filenames
            ;;
        --progress)
            mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$current"
                [ -z "$files" ] || compgen -f -- "$current")
            ;;
        -s | --snapshot | --to)
        -s | --snapshot | --since)
            mapfile -t COMPREPLY < <(compgen -W 'latest' -- "$current")
            ;;
        --on-mismatch)
            mapfile -t COMPREPLY < <(compgen -W 'widen set-aside null fail' -- "$current")
            ;;
        --bad-text)
            mapfile -t COMPREPLY < <(compgen -W 'set-aside bytea strip replace escape' -- "$current")
            ;;
        -d | --target | --schema | -t | --table | -T | --exclude-table | -j | --jobs | --remake | --busy-timeout | --keep-within) ;;
        --keep-last | --keep-hourly | --keep-daily | --keep-weekly | --keep-monthly | --keep-yearly)
            mapfile -t COMPREPLY < <(compgen -W \'unlimited\' -- "$current")
            ;;
        -d | --target | --since-target | --schema | -t | --table | -T | --exclude-table | -j | --jobs | --remake | --busy-timeout) ;;
        *)
            if [[ $command == profiles && $current != -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$profiles" -- "$current")
            elif [[ $current == -* || $command == help ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
            elif [ -n "$files" ]; then
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
                compopt -o filenames
            fi
            ;;
    esac
}

complete -F _rowferry rowferry
