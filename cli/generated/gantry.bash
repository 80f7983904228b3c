# bash completion for gantry; made from the command tables.
_gantry_names() {
	case "$1" in
	containers) gantry ps -a --format '{{.Names}}' 2>/dev/null ;;
	images) gantry images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null ;;
	volumes) gantry volume ls -q 2>/dev/null ;;
	networks) gantry network ls --format '{{.Name}}' 2>/dev/null ;;
	esac
}
_gantry() {
	local cur="${COMP_WORDS[COMP_CWORD]}" path="" word i words flags kind
	for ((i = 1; i < COMP_CWORD; i++)); do
		word="${COMP_WORDS[i]}"
		case "$word" in
		-*) continue ;;
		container|image|network|plugin|system|volume)
			[[ -z $path ]] && { path="$word"; continue; } ;;
		esac
		path="${path:+$path }$word"
		break
	done
	case "$path" in
	"")
		words="run exec ps pull push images login logout version info container image network plugin policy audit system volume attach commit cp create diff doctor events export history import inspect kill load logs pause port rename restart rm rmi save start stats stop tag top unpause update wait "
		flags=" --config --debug -D --host -H --log-level -l --root --run-root --tls --tlscacert --tlscert --tlskey --tlsverify --version -v --help"
		kind=""
		;;
	"run")
		words=""
		flags=" --add-host --annotation --attach -a --blkio-weight --blkio-weight-device --cap-add --cap-drop --cgroup-parent --cgroupns --cidfile --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-shares -c --cpus --cpuset-cpus --cpuset-mems --device --device-cgroup-rule --device-read-bps --device-read-iops --device-write-bps --device-write-iops --dns --dns-option --dns-search --domainname --entrypoint --env -e --env-file --expose --gpus --group-add --health-cmd --health-interval --health-retries --health-start-interval --health-start-period --health-timeout --help --hostname -h --init --interactive -i --ip --ip6 --ipc --isolation --label -l --label-file --link --link-local-ip --log-driver --log-opt --mac-address --memory -m --memory-reservation --memory-swap --memory-swappiness --mount --name --network --network-alias --no-healthcheck --oom-kill-disable --oom-score-adj --pid --pids-limit --platform --privileged --publish -p --publish-all -P --pull --quiet -q --read-only --restart --rm --runtime --security-opt --shm-size --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs --tty -t --ulimit --user -u --userns --uts --volume -v --volume-driver --volumes-from --workdir -w --detach -d --detach-keys --sig-proxy --help"
		kind="images"
		;;
	"exec")
		words=""
		flags=" --detach -d --detach-keys --env -e --env-file --interactive -i --privileged --tty -t --user -u --workdir -w --help"
		kind="containers"
		;;
	"ps")
		words=""
		flags=" --all -a --filter -f --format --last -n --latest -l --no-trunc --quiet -q --size -s --help"
		kind=""
		;;
	"pull")
		words=""
		flags=" --all-tags -a --platform --quiet -q --help"
		kind="images"
		;;
	"push")
		words=""
		flags=" --all-tags -a --quiet -q --help"
		kind="images"
		;;
	"images")
		words=""
		flags=" --all -a --digests --filter -f --format --no-trunc --quiet -q --help"
		kind=""
		;;
	"login")
		words=""
		flags=" --password -p --password-stdin --username -u --help"
		kind=""
		;;
	"logout")
		words=""
		flags=" --help"
		kind=""
		;;
	"version")
		words=""
		flags=" --format -f --help"
		kind=""
		;;
	"info")
		words=""
		flags=" --format -f --help"
		kind=""
		;;
	"container")
		words="attach commit cp create diff exec export inspect kill logs ls pause port prune rename restart rm run start stats stop top unpause update wait "
		flags=" --help"
		kind=""
		;;
	"container attach")
		words=""
		flags=" --detach-keys --no-stdin --sig-proxy --help"
		kind="containers"
		;;
	"container commit")
		words=""
		flags=" --author -a --change -c --message -m --pause -p --help"
		kind="containers"
		;;
	"container cp")
		words=""
		flags=" --archive -a --follow-link -L --quiet -q --help"
		kind="containers"
		;;
	"container create")
		words=""
		flags=" --add-host --annotation --attach -a --blkio-weight --blkio-weight-device --cap-add --cap-drop --cgroup-parent --cgroupns --cidfile --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-shares -c --cpus --cpuset-cpus --cpuset-mems --device --device-cgroup-rule --device-read-bps --device-read-iops --device-write-bps --device-write-iops --dns --dns-option --dns-search --domainname --entrypoint --env -e --env-file --expose --gpus --group-add --health-cmd --health-interval --health-retries --health-start-interval --health-start-period --health-timeout --help --hostname -h --init --interactive -i --ip --ip6 --ipc --isolation --label -l --label-file --link --link-local-ip --log-driver --log-opt --mac-address --memory -m --memory-reservation --memory-swap --memory-swappiness --mount --name --network --network-alias --no-healthcheck --oom-kill-disable --oom-score-adj --pid --pids-limit --platform --privileged --publish -p --publish-all -P --pull --quiet -q --read-only --restart --rm --runtime --security-opt --shm-size --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs --tty -t --ulimit --user -u --userns --uts --volume -v --volume-driver --volumes-from --workdir -w --help"
		kind="images"
		;;
	"container diff")
		words=""
		flags=" --help"
		kind="containers"
		;;
	"container exec")
		words=""
		flags=" --detach -d --detach-keys --env -e --env-file --interactive -i --privileged --tty -t --user -u --workdir -w --help"
		kind="containers"
		;;
	"container export")
		words=""
		flags=" --output -o --help"
		kind="containers"
		;;
	"container inspect")
		words=""
		flags=" --format -f --size -s --help"
		kind="containers"
		;;
	"container kill")
		words=""
		flags=" --signal -s --help"
		kind="containers"
		;;
	"container logs")
		words=""
		flags=" --details --follow -f --since --tail -n --timestamps -t --until --help"
		kind="containers"
		;;
	"container ls")
		words=""
		flags=" --all -a --filter -f --format --last -n --latest -l --no-trunc --quiet -q --size -s --help"
		kind=""
		;;
	"container pause")
		words=""
		flags=" --help"
		kind="containers"
		;;
	"container port")
		words=""
		flags=" --help"
		kind="containers"
		;;
	"container prune")
		words=""
		flags=" --filter --force -f --help"
		kind=""
		;;
	"container rename")
		words=""
		flags=" --help"
		kind="containers"
		;;
	"container restart")
		words=""
		flags=" --signal -s --timeout -t --help"
		kind="containers"
		;;
	"container rm")
		words=""
		flags=" --force -f --link -l --volumes -v --help"
		kind="containers"
		;;
	"container run")
		words=""
		flags=" --add-host --annotation --attach -a --blkio-weight --blkio-weight-device --cap-add --cap-drop --cgroup-parent --cgroupns --cidfile --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-shares -c --cpus --cpuset-cpus --cpuset-mems --device --device-cgroup-rule --device-read-bps --device-read-iops --device-write-bps --device-write-iops --dns --dns-option --dns-search --domainname --entrypoint --env -e --env-file --expose --gpus --group-add --health-cmd --health-interval --health-retries --health-start-interval --health-start-period --health-timeout --help --hostname -h --init --interactive -i --ip --ip6 --ipc --isolation --label -l --label-file --link --link-local-ip --log-driver --log-opt --mac-address --memory -m --memory-reservation --memory-swap --memory-swappiness --mount --name --network --network-alias --no-healthcheck --oom-kill-disable --oom-score-adj --pid --pids-limit --platform --privileged --publish -p --publish-all -P --pull --quiet -q --read-only --restart --rm --runtime --security-opt --shm-size --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs --tty -t --ulimit --user -u --userns --uts --volume -v --volume-driver --volumes-from --workdir -w --detach -d --detach-keys --sig-proxy --help"
		kind="images"
		;;
	"container start")
		words=""
		flags=" --attach -a --detach-keys --interactive -i --help"
		kind="containers"
		;;
	"container stats")
		words=""
		flags=" --all -a --format --no-stream --no-trunc --help"
		kind="containers"
		;;
	"container stop")
		words=""
		flags=" --signal -s --timeout -t --help"
		kind="containers"
		;;
	"container top")
		words=""
		flags=" --help"
		kind="containers"
		;;
	"container unpause")
		words=""
		flags=" --help"
		kind="containers"
		;;
	"container update")
		words=""
		flags=" --blkio-weight --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-shares -c --cpus --cpuset-cpus --cpuset-mems --memory -m --memory-reservation --memory-swap --pids-limit --restart --help"
		kind="containers"
		;;
	"container wait")
		words=""
		flags=" --help"
		kind="containers"
		;;
	"image")
		words="history import inspect load ls prune pull push rm save tag "
		flags=" --help"
		kind=""
		;;
	"image history")
		words=""
		flags=" --format --human -H --no-trunc --quiet -q --help"
		kind="images"
		;;
	"image import")
		words=""
		flags=" --change -c --message -m --platform --help"
		kind=""
		;;
	"image inspect")
		words=""
		flags=" --format -f --help"
		kind="images"
		;;
	"image load")
		words=""
		flags=" --input -i --platform --quiet -q --help"
		kind=""
		;;
	"image ls")
		words=""
		flags=" --all -a --digests --filter -f --format --no-trunc --quiet -q --help"
		kind=""
		;;
	"image prune")
		words=""
		flags=" --all -a --filter --force -f --help"
		kind=""
		;;
	"image pull")
		words=""
		flags=" --all-tags -a --platform --quiet -q --help"
		kind="images"
		;;
	"image push")
		words=""
		flags=" --all-tags -a --quiet -q --help"
		kind="images"
		;;
	"image rm")
		words=""
		flags=" --force -f --no-prune --help"
		kind="images"
		;;
	"image save")
		words=""
		flags=" --output -o --platform --help"
		kind="images"
		;;
	"image tag")
		words=""
		flags=" --help"
		kind="images"
		;;
	"network")
		words="connect create disconnect inspect ls prune rm "
		flags=" --help"
		kind="networks"
		;;
	"network connect")
		words=""
		flags=" --alias --driver-opt --gw-priority --ip --ip6 --link --link-local-ip --help"
		kind="networks"
		;;
	"network create")
		words=""
		flags=" --attachable --aux-address --config-from --config-only --driver -d --gateway --ingress --internal --ip-range --ipam-driver --ipam-opt --ipv4 --ipv6 --label --opt -o --scope --subnet --help"
		kind="networks"
		;;
	"network disconnect")
		words=""
		flags=" --force -f --help"
		kind="networks"
		;;
	"network inspect")
		words=""
		flags=" --format -f --verbose -v --help"
		kind="networks"
		;;
	"network ls")
		words=""
		flags=" --filter -f --format --no-trunc --quiet -q --help"
		kind="networks"
		;;
	"network prune")
		words=""
		flags=" --filter --force -f --help"
		kind="networks"
		;;
	"network rm")
		words=""
		flags=" --force -f --help"
		kind="networks"
		;;
	"plugin")
		words="inspect ls "
		flags=" --help"
		kind=""
		;;
	"plugin inspect")
		words=""
		flags=" --format -f --help"
		kind=""
		;;
	"plugin ls")
		words=""
		flags=" --filter -f --format --no-trunc --quiet -q --help"
		kind=""
		;;
	"policy")
		words="bench check disable enable logs ls new replay show test "
		flags=" --help"
		kind=""
		;;
	"policy bench")
		words=""
		flags=" --rounds --help"
		kind=""
		;;
	"policy check")
		words=""
		flags=" --help"
		kind=""
		;;
	"policy disable")
		words=""
		flags=" --help"
		kind=""
		;;
	"policy enable")
		words=""
		flags=" --help"
		kind=""
		;;
	"policy logs")
		words=""
		flags=" --tail -n --json --help"
		kind=""
		;;
	"policy ls")
		words=""
		flags=" --format --help"
		kind=""
		;;
	"policy new")
		words=""
		flags=" --help"
		kind=""
		;;
	"policy replay")
		words=""
		flags=" --help"
		kind=""
		;;
	"policy show")
		words=""
		flags=" --tests -t --help"
		kind=""
		;;
	"policy test")
		words=""
		flags=" --help"
		kind=""
		;;
	"audit")
		words="verify "
		flags=" --help"
		kind=""
		;;
	"audit verify")
		words=""
		flags=" --help"
		kind=""
		;;
	"system")
		words="df events info prune "
		flags=" --help"
		kind=""
		;;
	"system df")
		words=""
		flags=" --format --help"
		kind=""
		;;
	"system events")
		words=""
		flags=" --filter -f --format --since --until --help"
		kind=""
		;;
	"system info")
		words=""
		flags=" --format -f --help"
		kind=""
		;;
	"system prune")
		words=""
		flags=" --all -a --filter --force -f --volumes --help"
		kind=""
		;;
	"volume")
		words="create inspect ls prune rm "
		flags=" --help"
		kind="volumes"
		;;
	"volume create")
		words=""
		flags=" --driver -d --label --opt -o --help"
		kind="volumes"
		;;
	"volume inspect")
		words=""
		flags=" --format -f --help"
		kind="volumes"
		;;
	"volume ls")
		words=""
		flags=" --filter -f --format --quiet -q --help"
		kind="volumes"
		;;
	"volume prune")
		words=""
		flags=" --all -a --filter --force -f --help"
		kind="volumes"
		;;
	"volume rm")
		words=""
		flags=" --force -f --help"
		kind="volumes"
		;;
	"attach")
		words=""
		flags=" --detach-keys --no-stdin --sig-proxy --help"
		kind="containers"
		;;
	"commit")
		words=""
		flags=" --author -a --change -c --message -m --pause -p --help"
		kind="containers"
		;;
	"cp")
		words=""
		flags=" --archive -a --follow-link -L --quiet -q --help"
		kind="containers"
		;;
	"create")
		words=""
		flags=" --add-host --annotation --attach -a --blkio-weight --blkio-weight-device --cap-add --cap-drop --cgroup-parent --cgroupns --cidfile --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-shares -c --cpus --cpuset-cpus --cpuset-mems --device --device-cgroup-rule --device-read-bps --device-read-iops --device-write-bps --device-write-iops --dns --dns-option --dns-search --domainname --entrypoint --env -e --env-file --expose --gpus --group-add --health-cmd --health-interval --health-retries --health-start-interval --health-start-period --health-timeout --help --hostname -h --init --interactive -i --ip --ip6 --ipc --isolation --label -l --label-file --link --link-local-ip --log-driver --log-opt --mac-address --memory -m --memory-reservation --memory-swap --memory-swappiness --mount --name --network --network-alias --no-healthcheck --oom-kill-disable --oom-score-adj --pid --pids-limit --platform --privileged --publish -p --publish-all -P --pull --quiet -q --read-only --restart --rm --runtime --security-opt --shm-size --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs --tty -t --ulimit --user -u --userns --uts --volume -v --volume-driver --volumes-from --workdir -w --help"
		kind="images"
		;;
	"diff")
		words=""
		flags=" --help"
		kind="containers"
		;;
	"doctor")
		words=""
		flags=" --format --help"
		kind=""
		;;
	"events")
		words=""
		flags=" --filter -f --format --since --until --help"
		kind=""
		;;
	"export")
		words=""
		flags=" --output -o --help"
		kind="containers"
		;;
	"history")
		words=""
		flags=" --format --human -H --no-trunc --quiet -q --help"
		kind="images"
		;;
	"import")
		words=""
		flags=" --change -c --message -m --platform --help"
		kind=""
		;;
	"inspect")
		words=""
		flags=" --format -f --size -s --type --help"
		kind="containers"
		;;
	"kill")
		words=""
		flags=" --signal -s --help"
		kind="containers"
		;;
	"load")
		words=""
		flags=" --input -i --platform --quiet -q --help"
		kind=""
		;;
	"logs")
		words=""
		flags=" --details --follow -f --since --tail -n --timestamps -t --until --help"
		kind="containers"
		;;
	"pause")
		words=""
		flags=" --help"
		kind="containers"
		;;
	"port")
		words=""
		flags=" --help"
		kind="containers"
		;;
	"rename")
		words=""
		flags=" --help"
		kind="containers"
		;;
	"restart")
		words=""
		flags=" --signal -s --timeout -t --help"
		kind="containers"
		;;
	"rm")
		words=""
		flags=" --force -f --link -l --volumes -v --help"
		kind="containers"
		;;
	"rmi")
		words=""
		flags=" --force -f --no-prune --help"
		kind="images"
		;;
	"save")
		words=""
		flags=" --output -o --platform --help"
		kind="images"
		;;
	"start")
		words=""
		flags=" --attach -a --detach-keys --interactive -i --help"
		kind="containers"
		;;
	"stats")
		words=""
		flags=" --all -a --format --no-stream --no-trunc --help"
		kind="containers"
		;;
	"stop")
		words=""
		flags=" --signal -s --timeout -t --help"
		kind="containers"
		;;
	"tag")
		words=""
		flags=" --help"
		kind="images"
		;;
	"top")
		words=""
		flags=" --help"
		kind="containers"
		;;
	"unpause")
		words=""
		flags=" --help"
		kind="containers"
		;;
	"update")
		words=""
		flags=" --blkio-weight --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-shares -c --cpus --cpuset-cpus --cpuset-mems --memory -m --memory-reservation --memory-swap --pids-limit --restart --help"
		kind="containers"
		;;
	"wait")
		words=""
		flags=" --help"
		kind="containers"
		;;
	*) return ;;
	esac
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$flags" -- "$cur"))
	elif [[ -n $words ]]; then
		COMPREPLY=($(compgen -W "$words" -- "$cur"))
	else
		COMPREPLY=($(compgen -W "$(_gantry_names "$kind")" -- "$cur"))
	fi
}
complete -o default -F _gantry gantry
