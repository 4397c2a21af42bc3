-- The protocol of kmodel/protocol in Murphi, for Rumur: N lookups against io_destroy.
-- scripts/compare/run sets N, and READER, the type of their numbers: a range, or a
-- scalarset, whose values may be exchanged.
const N: 1; RACY: false;
type reader: READER;
var table, dead, queued, freed: boolean; ref: 0..10;
    dpc: 0..4; dz: boolean;
    lpc: array[reader] of 0..7; reading, saw, got, lz: array[reader] of boolean;
    uaf, rdone: boolean;
startstate begin
  table := true; dead := false; queued := false; freed := false; ref := 1;
  dpc := 0; dz := false; uaf := false; rdone := false;
  for i: reader do
    lpc[i] := 0; reading[i] := false; saw[i] := false; got[i] := false; lz[i] := false;
  end;
end;
rule "D1" dpc = 0 ==> begin
  if table then table := false; dpc := 1; else dpc := 4; end;
end;
rule "D2" dpc = 1 ==> begin dead := true; dpc := 2; end;
rule "D3" dpc = 2 ==> begin ref := ref - 1; dz := (ref = 0); dpc := 3; end;
rule "D4" dpc = 3 ==> begin if dz then queued := true; end; dpc := 4; end;
ruleset i: reader do
  rule "L1" lpc[i] = 0 ==> begin reading[i] := true; lpc[i] := 1; end;
  rule "L2" lpc[i] = 1 ==> begin
    saw[i] := table;
    if table then lpc[i] := 2; else lpc[i] := 3; end;
  end;
  rule "L3" lpc[i] = 2 ==> begin
    if RACY | !dead then ref := ref + 1; got[i] := true; end;
    lpc[i] := 3;
  end;
  rule "L4" lpc[i] = 3 ==> begin
    reading[i] := false;
    if got[i] then lpc[i] := 4; else lpc[i] := 7; end;
  end;
  rule "L5" lpc[i] = 4 ==> begin if freed then uaf := true; end; lpc[i] := 5; end;
  rule "L6" lpc[i] = 5 ==> begin ref := ref - 1; lz[i] := (ref = 0); lpc[i] := 6; end;
  rule "L7" lpc[i] = 6 ==> begin if lz[i] then queued := true; end; lpc[i] := 7; end;
end;
rule "R1" queued & !rdone & (forall i: reader do !reading[i] end) ==> begin
  freed := true; rdone := true;
end;
invariant "no use after free" !uaf;
