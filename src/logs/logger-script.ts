import { publicName, secretName } from '../base/index.ts';

/**
 * What stands between a pane and its log file. Perl, because perl-base is on every Debian, starts in
 * 2 ms and can wait for input with a timeout; of its modules only Config is used, as perl-base has no
 * Time::HiRes. Arguments: file, size limit, number of older files, pid and id of the pane.
 */
export const perlLogger = String.raw`use strict;
my ($file, $max, $keep, $pid, $pane) = @ARGV;
my $widest = 65536;                       # a longer line is cut in two
my ($fh, $torn, $lost, $why, $open, $rest) = (undef, 0, 0, '', 0, '');
my ($mask, %secret, $began);
my ($learnt, $wait) = (0, 0.1);
umask 077;
$SIG{$_} = 'IGNORE' for qw(HUP INT QUIT PIPE TSTP TTIN TTOU);
my $ending = 0;
$SIG{TERM} = sub { $ending = 1 };

# Milliseconds: the system call itself where its number is known.
my $clock = do {
  require Config;
  my ($arch) = $Config::Config{archname} =~ /^([^-]+)/;
  my %number = (x86_64 => 228, aarch64 => 113, riscv64 => 113, loongarch64 => 113, s390x => 260,
    powerpc64le => 246, arm => 263, i386 => 265, i486 => 265, i586 => 265, i686 => 265);
  my $n = $^O eq 'linux' ? $number{$arch} : undef;
  if (defined $n) { sub { my $t = pack 'l!l!', 0, 0; syscall($n, 0, $t) == 0 ? do { my ($s, $ns) = unpack 'l!l!', $t; $s + $ns / 1e9 } : time } }
  elsif (eval { require Time::HiRes; 1 }) { \&Time::HiRes::time }
  else { sub { time } }
};
sub stamp {
  my $ms = int($clock->() * 1000);
  my @t = gmtime int($ms / 1000);
  sprintf '%04d-%02d-%02dT%02d:%02d:%02d.%03dZ ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0], $ms % 1000;
}

# Secrets: values of the pane's environment and of its descendants', read again now and then,
# because a shell may set more of them and a restarted pane is another process.
sub slurp { open my $f, '<:raw', $_[0] or return ''; local $/; my $text = <$f>; defined $text ? $text : '' }
sub children { split ' ', slurp("/proc/$_[0]/task/$_[0]/children") }
sub learn {
  my $now = $clock->();
  return if $now < $learnt + $wait && $now >= $learnt;
  if ($pane ne '' && !-e "/proc/$pid") {
    my ($new) = grep { slurp("/proc/$_/environ") =~ /(?:^|\0)TMUX_PANE=\Q$pane\E(?:\0|$)/ } children(getppid);
    ($pid, $wait) = ($new, 0.1) if $new;
  }
  $learnt = $now;
  $wait = $wait * 2 > 5 ? 5 : $wait * 2;
  my @todo = ($pid);
  my $before = keys %secret;
  for (my $i = 0; $i < @todo && $i < 64; $i++) {
    push @todo, children($todo[$i]);
    take(split /=/, $_, 2) for split /\0/, slurp("/proc/$todo[$i]/environ");
  }
  take($_, $ENV{$_}) for keys %ENV;
  return if keys %secret == $before;
  my $any = join '|', map { quotemeta } sort { length $b <=> length $a } keys %secret;
  $mask = qr/$any/;
}
sub take {
  my ($name, $value) = @_;
  return unless defined $value && $name =~ /@SECRET@/i && $name !~ /@PUBLIC@/i;
  return if $value =~ m{^/} && -e $value;
  for (split /[\r\n]+/, $value) { $secret{$_} = 1 if length >= 6 && !/^(?:true|false|enabled|disabled|undefined|default)$/i }
}
sub masked {
  my $text = shift;
  $text =~ s/$mask/***/g if $mask;
  $text =~ s{(://[^\s:/\@]*:)[^\s/\@]+\@}{$1***\@}g;
  $text;
}
# How many of the last bytes could be the beginning of a secret, a character, or a line's CR LF.
sub unsure {
  my $text = shift;
  my $most = $text =~ /(\r+|[\xC2-\xDF]|[\xE0-\xEF][\x80-\xBF]?|[\xF0-\xF4][\x80-\xBF]{0,2})\z/ ? length $1 : 0;
  for my $s (keys %secret) {
    my $n = length($s) - 1 < length $text ? length($s) - 1 : length $text;
    for (; $n > $most; $n--) { if (substr($text, -$n) eq substr($s, 0, $n)) { $most = $n; last } }
  }
  $most;
}

sub reopen {
  undef $fh;
  if (!-e $file) {
    my $dir = '';
    for (split m{/}, $file =~ m{^(.*)/} ? $1 : '') { $dir .= "$_/"; mkdir $dir, 0700 }
  }
  open $fh, '+>>:raw', $file or do { undef $fh; return };
  if (-s $fh && sysseek $fh, -1, 2) { my $last; sysread $fh, $last, 1; $torn = 1 if $last ne "\n" }
}
sub rotate {
  rename "$file.$_", "$file." . ($_ + 1) for reverse 1 .. $keep - 1;
  $keep > 0 ? rename $file, "$file.1" : unlink $file;
  reopen();
}
# Never waits for a disk: what cannot be written is dropped and counted.
sub put {
  my $data = shift;
  my @there = stat $file;
  my @mine = $fh ? stat $fh : ();
  if (!@there || !@mine || $there[0] != $mine[0] || $there[1] != $mine[1]) { $open = 0 if @mine; reopen(); @there = stat $file }
  if (!$open && @there && $there[7] > 0 && $there[7] + length $data > $max) { rotate(); $torn = 0 }
  my $note = '';
  $note .= "\n" if $torn && !$open;
  $note .= stamp() . "[devenv: $lost lines were lost: $why]\n" if $lost;
  my ($all, $done) = ($note . $data, 0);
  while ($fh && $done < length $all) {
    my $n = syswrite $fh, $all, length($all) - $done, $done;
    if (defined $n) { $done += $n } elsif (!$!{EINTR}) { last }
  }
  if ($done == length $all) { ($lost, $torn) = (0, 0); return 1 }
  $why = "$!";
  my $missed = substr $all, $done > length $note ? $done : length $note;
  $lost += ($missed =~ tr/\n//) || 1;
  $torn = 1 if $done > 0 && substr($all, $done - 1, 1) ne "\n" || $done == 0 && ($torn || $open);
  0;
}
# Writes a piece of text: lines, the last of them possibly still open.
sub emit {
  my $text = masked(shift);
  my $stamp = stamp();
  my $ended = $text =~ /\n\z/;
  $text =~ s/\r+\n/\n/g;
  $text =~ s/\n(?=[\s\S])/\n$stamp/g;
  $text = $began . $text unless $open;    # a line is as old as its first byte
  my $ok = put($text);
  $open = $ended || !$ok ? 0 : $open + length $text;
}
sub emit_open {
  $rest = masked($rest);
  my $hold = unsure($rest);
  my $part = substr $rest, 0, length($rest) - $hold, '';
  emit($part) if $part ne '';
}

while (1) {
  my $in = '';
  vec($in, 0, 1) = 1;
  my $ready = select $in, undef, undef, $ending ? 0 : $rest ne '' ? 1 : undef;
  if ($ready < 0) { next }
  if ($ready == 0) { last if $ending; learn(); emit_open(); next }
  $began = stamp() if $rest eq '';
  my $got = sysread STDIN, $rest, 65536, length $rest;
  if (!defined $got) { next if $!{EINTR}; last }
  last if $got == 0;
  learn();
  my $end = rindex $rest, "\n";
  if ($end >= 0) { emit(substr $rest, 0, $end + 1, ''); $began = stamp() }
  if ($open + length $rest > $widest) {
    $rest = masked($rest);
    my $hold = unsure($rest);
    emit(substr($rest, 0, length($rest) - $hold, '') . "\n");
  }
}
learn();
emit($rest . "\n") if $rest ne '' || $open;
`
  .replace('@SECRET@', secretName)
  .replace('@PUBLIC@', publicName);

/**
 * The same with a shell and awk, for machines without Perl: whole seconds, no partial lines, and
 * secrets only of the pane's own environment. Same arguments.
 */
export const awkLogger = String.raw`umask 077
trap '' HUP INT QUIT PIPE
mkdir -p "$(dirname "$1")"
DEVENV_LOGGER_SECRETS=$(tr '\0' '\n' < "/proc/$4/environ" 2>/dev/null | grep -iE '^[^=]*@SECRET@' | grep -ivE '^[^=]*@PUBLIC@' | sed 's/^[^=]*=//')
DEVENV_LOGGER_FILE=$1 DEVENV_LOGGER_PID=$4
export DEVENV_LOGGER_SECRETS DEVENV_LOGGER_FILE
case $(awk -W version 2>&1 < /dev/null) in mawk*) interactive='-W interactive';; *) interactive=;; esac
exec awk $interactive -v max="$2" -v keep="$3" '
function quoted(s) { gsub(/\047/, "\047\\\047\047", s); return "\047" s "\047" }
function rotate(  i) {
  close(file)
  for (i = keep - 1; i >= 1; i--) system("mv -f " quoted(file "." i) " " quoted(file "." (i + 1)) " 2>/dev/null")
  system(keep > 0 ? "mv -f " quoted(file) " " quoted(file ".1") : "rm -f " quoted(file))
  size = 0
}
BEGIN {
  file = ENVIRON["DEVENV_LOGGER_FILE"]
  count = split(ENVIRON["DEVENV_LOGGER_SECRETS"], secrets, "\n")
  "cat " quoted(file) " 2>/dev/null | wc -c" | getline size
}
{
  sub(/\r+$/, "")
  for (i = 1; i <= count; i++) if (length(secrets[i]) >= 6)
    while ((at = index($0, secrets[i])) > 0) $0 = substr($0, 1, at - 1) "***" substr($0, at + length(secrets[i]))
  line = strftime("%Y-%m-%dT%H:%M:%S.000Z", systime(), 1) " " $0
  if (size > 0 && size + length(line) + 1 > max) rotate()
  print line >> file
  fflush(file)
  size += length(line) + 1
}'
`
  .replace('@SECRET@', inGrep(secretName))
  .replace('@PUBLIC@', inGrep(publicName));

/** The same pattern for `grep -E` over lines `NAME=value`. */
function inGrep(pattern: string): string {
  return pattern.replaceAll('(?:', '(').replaceAll('$', '=');
}
