// SRAM model of the subset buffer: one kernel per cycle, broadcast to all PEs.
module subset_buffer #(
    parameter int DOT_WIDTH = 9
) (
    input  logic [          8:0] address,
    output logic [DOT_WIDTH-1:0] kernel
);
  logic [DOT_WIDTH-1:0] subset[0:511];

  initial begin
    string path;
    if ($value$plusargs("subset=%s", path)) $readmemh(path, subset);
  end

  assign kernel = subset[address];
endmodule
