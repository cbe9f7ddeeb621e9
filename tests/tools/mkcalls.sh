#!/bin/bash
# mkcalls.sh - N real SIP calls with recognisable speech in both directions, through SIPp, captured to a pcap.
# Each call: caller says "call K caller ..." , callee says "call K answer ..." (espeak-ng -> G.711), DTMF optional.
#   mkcalls.sh -n 10 -s 12 -o /tmp/calls [-l u|a] [-m netns|lo] [-r calls_per_second] [-t u1|t1 (SIP over UDP|TCP)] [-d 1 (send RFC 4733 digits)]
#   -x 'amethyst record --data DIR --interface': besides, runs this with the interface appended where the calls are heard, places
#   no call before it says "recording on", ends it with SIGINT (OUT/recorder.log); it must end with 0. cmpcalls.py OUT EXPORTED.
# Writes OUT/calls.pcap, OUT/ref/KKK.{caller,callee}.{ulaw|alaw} (what was really fed) and OUT/calls.tsv.
# Needs: sipp (sip-tester, with RTPSTREAM), espeak-ng, sox, tcpdump, iproute2. Traffic stays in two network
# namespaces that this script makes and removes (or on 127.0.0.x with -m lo). Nothing leaves the machine.
set -euo pipefail
N=5 S=10 O=/tmp/calls LAW=u MODE=netns RATE=5 TR=u1 DTMF=0 REC=
while getopts n:s:o:l:m:r:t:d:x: f; do case $f in n) N=$OPTARG;; s) S=$OPTARG;; o) O=$OPTARG;; l) LAW=$OPTARG;; m) MODE=$OPTARG;; r) RATE=$OPTARG;; t) TR=$OPTARG;; d) DTMF=$OPTARG;; x) REC=$OPTARG;; *) exit 2;; esac; done
case $LAW in u) PT=0 NAME=PCMU EXT=ulaw ENC=mu-law;; a) PT=8 NAME=PCMA EXT=alaw ENC=a-law;; *) echo "-l u|a" >&2; exit 2;; esac
lack=(); for t in sipp:sip-tester espeak-ng:espeak-ng sox:sox tcpdump:tcpdump ip:iproute2; do command -v "${t%%:*}" >/dev/null || lack+=("${t##*:}"); done
[ ${#lack[@]} = 0 ] || { echo "mkcalls.sh: missing: apt-get install ${lack[*]}" >&2; exit 3; }
[ "$MODE" != netns ] || [ "$(id -u)" = 0 ] || { echo "mkcalls.sh: namespaces need root; use -m lo (tcpdump needs CAP_NET_RAW)" >&2; exit 3; }
mkdir -p "$O/ref" "$O/xml"; rm -f "$O"/calls.pcap "$O"/ref/* "$O"/xml/*; O=$(readlink -f "$O")
ID=$$; PIDS=(); TD='' RP=''
A="" B=""; IPA=127.0.0.11 IPB=127.0.0.12; DEV=lo
cleanup() { for p in "${PIDS[@]:-}" $TD $RP; do [ -n "$p" ] && kill "$p" 2>/dev/null || true; done
  [ "$MODE" = netns ] && { ip netns del "mka$ID" 2>/dev/null || true; ip netns del "mkb$ID" 2>/dev/null || true; }; :; }
trap cleanup EXIT
if [ "$MODE" = netns ]; then
  ip netns add "mka$ID"; ip netns add "mkb$ID"
  ip -n "mka$ID" link add va type veth peer name vb netns "mkb$ID"
  IPA=10.77.0.1 IPB=10.77.0.2; DEV=vb
  ip -n "mka$ID" addr add $IPA/24 dev va; ip -n "mkb$ID" addr add $IPB/24 dev vb
  for x in a:va b:vb; do ip -n "mk${x%%:*}$ID" link set lo up; ip -n "mk${x%%:*}$ID" link set "${x##*:}" up; done
  A="ip netns exec mka$ID" B="ip netns exec mkb$ID"
fi
say() { # text voice file : exactly S seconds of headerless G.711
  espeak-ng -v "$2" -s 150 -w "$O/say.wav" "$1"
  sox "$O/say.wav" -r 8000 -c 1 -e $ENC -b 8 -t raw "$3" pad 0.2 "$S" trim 0 "$S" 2>/dev/null; rm -f "$O/say.wav"; }
sdp='v=0
      o=x 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [rtpstream_audio_port] RTP/AVP '$PT' 101
      a=rtpmap:'$PT' '$NAME'/8000
      a=rtpmap:101 telephone-event/8000
      a=fmtp:101 0-15
      a=ptime:20'
hdr='Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: "Caller K%K%" <sip:1%K%@[local_ip]:[local_port]>;tag=a%K%'
NEWSIPP=0; (sipp -h 2>&1 || true) | grep -q min_rtp_port && NEWSIPP=1 # sipp >= 3.7
PCAPD=/usr/share/sip-tester; [ -d "$PCAPD" ] || PCAPD=/usr/share/sipp/pcap
uac() { local k=$1 h="${hdr//%K%/$1}" dt=""
  [ "$DTMF" = 1 ] && [ -e "$PCAPD/dtmf_2833_1.pcap" ] && dt="<nop><action><exec play_pcap_audio=\"$PCAPD/dtmf_2833_1.pcap\"/></action></nop>"
  cat <<X
<?xml version="1.0" encoding="UTF-8" ?>
<scenario name="uac">
  <send retrans="500"><![CDATA[
      INVITE sip:2$k@[remote_ip]:[remote_port] SIP/2.0
      $h
      To: <sip:2$k@[remote_ip]:[remote_port]>
      Call-ID: mk$k///[call_id]
      CSeq: 1 INVITE
      Contact: <sip:1$k@[local_ip]:[local_port];transport=[transport]>
      Max-Forwards: 70
      X-Media: audio [media_port]
      Content-Type: application/sdp
      Content-Length: [len]

      $sdp
  ]]></send>
  <recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="200" rrs="true"/>
  <send><![CDATA[
      ACK sip:2$k@[remote_ip]:[remote_port] SIP/2.0
      $h
      [last_To:]
      Call-ID: mk$k///[call_id]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0

  ]]></send>
  <nop><action><exec rtp_stream="$O/ref/$k.caller.$EXT,1,$PT"/></action></nop>
  $dt
  <pause milliseconds="$((S * 1000 + 200))"/>
  <send retrans="500"><![CDATA[
      BYE sip:2$k@[remote_ip]:[remote_port] SIP/2.0
      $h
      [last_To:]
      Call-ID: mk$k///[call_id]
      CSeq: 2 BYE
      Max-Forwards: 70
      Content-Length: 0

  ]]></send>
  <recv response="200"/>
</scenario>
X
}
uas() { local k=$1; cat <<X
<?xml version="1.0" encoding="UTF-8" ?>
<scenario name="uas">
  <recv request="INVITE" rrs="true"/>
  <send><![CDATA[
      SIP/2.0 180 Ringing
      [last_Via:]
      [last_From:]
      [last_To:];tag=b$k
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:2$k@[local_ip]:[local_port];transport=[transport]>
      Content-Length: 0

  ]]></send>
  <pause milliseconds="400"/>
  <send retrans="500"><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:];tag=b$k
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:2$k@[local_ip]:[local_port];transport=[transport]>
      Content-Type: application/sdp
      Content-Length: [len]

      $sdp
  ]]></send>
  <recv request="ACK"/>
  <nop><action><exec rtp_stream="$O/ref/$k.callee.$EXT,1,$PT"/></action></nop>
  <recv request="BYE"/>
  <send><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

  ]]></send>
</scenario>
X
}
$B tcpdump -i $DEV -U -s 0 -B 16384 -w "$O/calls.pcap" "host $IPA and host $IPB" 2>"$O/tcpdump.log" & TD=$!
if [ -n "$REC" ]; then
  # shellcheck disable=SC2086 # the words of a command
  $B $REC $DEV > "$O/recorder.out" 2> "$O/recorder.log" & RP=$!
  until grep -q 'recording on' "$O/recorder.log"; do
    kill -0 $RP 2>/dev/null || { cat "$O/recorder.log" >&2; exit 1; }; sleep 0.1; done
fi
printf 'k\tfrom\tto\tsip_a\tsip_b\tlaw\tseconds\n' > "$O/calls.tsv"
for ((i = 1; i <= N; i++)); do k=$(printf %05d $i)
  say "This is call number $i. I am the caller. The secret word of the caller is mango $i." en-us "$O/ref/$k.caller.$EXT"
  say "You have reached line $i. I am the called party. My secret word is window $i." en-gb+f3 "$O/ref/$k.callee.$EXT"
  uac "$k" > "$O/xml/$k.uac.xml"; uas "$k" > "$O/xml/$k.uas.xml"
  printf '%s\t1%s\t2%s\t%s:%d\t%s:%d\t%s\t%s\n' "$k" "$k" "$k" $IPA $((15000 + i)) $IPB $((25000 + i)) $NAME "$S" >> "$O/calls.tsv"
done
sleep 1
for ((i = 1; i <= N; i++)); do k=$(printf %05d $i); M=$((30000 + (i % 3000) * 8)); MP="-mp $M"; [ "$NEWSIPP" = 1 ] && MP="$MP -min_rtp_port $M -max_rtp_port $((M + 7))"
  $B sipp -sf "$O/xml/$k.uas.xml" -i $IPB -mi $IPB -p $((25000 + i)) -t $TR -m 1 $MP -nostdin -trace_err -error_file "$O/xml/$k.uas.err" >/dev/null 2>&1 & PIDS+=($!)
  sleep 0.05
  $A sipp -sf "$O/xml/$k.uac.xml" -i $IPA -mi $IPA -p $((15000 + i)) -t $TR -m 1 $MP -nostdin -timeout $((S + 20)) -trace_err -error_file "$O/xml/$k.uac.err" $IPB:$((25000 + i)) >/dev/null 2>&1 & PIDS+=($!)
  sleep "$(awk "BEGIN{print 1/$RATE}")"
done
ok=0; bad=0; for p in "${PIDS[@]}"; do if wait "$p"; then ok=$((ok+1)); else bad=$((bad+1)); fi; done; PIDS=()
sleep 1; kill -INT $TD; wait $TD 2>/dev/null || true; TD=
if [ -n "$RP" ]; then kill -INT $RP; wait $RP && rc=0 || rc=$?; RP=; cat "$O/recorder.out" "$O/recorder.log"
  [ $rc = 0 ] || { echo "mkcalls.sh: the recorder ended with $rc" >&2; exit 1; }; fi
echo "sipp instances ok=$ok failed=$bad; $(grep -a captured "$O/tcpdump.log" || true); pcap $(stat -c %s "$O/calls.pcap") bytes"
[ $bad = 0 ]
