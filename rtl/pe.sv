// One processing element: Dot9, LUT, index registers, accumulators, partial-sum buffer.
//
// TABLE = 0 omits the LUT (a plain BNN PE). BYPASS = 0 omits the path from Dot9 straight to an
// accumulator (an SNN PE that cannot run 1-bit layers). PASSES > 1 lets the PE take a subset larger
// than the LUT in passes.
module pe #(
    parameter  int DOT_WIDTH    = 9,
    parameter  int INDEX_BITS   = 9,
    parameter  int LUT_ENTRIES  = 32,
    parameter  int LUT_BANKS    = 2,
    parameter  int REGISTER_SETS = 2,
    parameter  int ACCUMULATORS = 4,
    parameter  int PARTIAL_SUMS = 128,
    parameter  int PASSES       = 1,
    parameter  int SUM_BITS     = 16,
    parameter  bit TABLE        = 1,
    parameter  bit BYPASS       = 1,
    localparam int ROWS         = (PARTIAL_SUMS + ACCUMULATORS - 1) / ACCUMULATORS,
    localparam int OUTPUTS      = PARTIAL_SUMS,
    localparam int BW           = LUT_BANKS > 1 ? $clog2(LUT_BANKS) : 1,
    localparam int EW           = LUT_ENTRIES > 1 ? $clog2(LUT_ENTRIES) : 1,
    localparam int RW           = ROWS > 1 ? $clog2(ROWS) : 1,
    localparam int OW           = $clog2(OUTPUTS + 1),
    localparam int SW           = REGISTER_SETS > 1 ? $clog2(REGISTER_SETS) : 1,
    localparam int DOT_BITS     = $clog2(DOT_WIDTH + 1) + 1
) (
    input  logic                             clk,
    input  logic                             enable,       // has an input unit in this step
    // Index registers: REGISTER_SETS sets of an index (or a kernel) per output.
    input  logic                             load,
    input  logic [                   SW-1:0] load_set,
    input  logic [              OUTPUTS-1:0] load_slots,
    input  logic [   OUTPUTS*INDEX_BITS-1:0] load_indices,
    input  logic [                   SW-1:0] read_set,
    // Dot9, into the LUT or straight to an accumulator.
    input  logic [            DOT_WIDTH-1:0] window,
    input  logic [            DOT_WIDTH-1:0] valid,
    input  logic [            DOT_WIDTH-1:0] kernel,       // kernel of the subset
    input  logic                             fill,
    input  logic [                   BW-1:0] fill_bank,
    input  logic [                   EW-1:0] fill_entry,
    input  logic                             direct,
    input  logic [                   OW-1:0] direct_slot,
    input  logic [                   RW-1:0] direct_row,   // direct_slot / ACCUMULATORS
    input  logic [         ACCUMULATORS-1:0] direct_lane,  // one of the lanes
    // Fetch by index and add.
    input  logic                             add,
    input  logic                             add_begins,   // first cycle of an accumulate
    input  logic                             add_first,    // first group: overwrite the sums
    input  logic [                   BW-1:0] add_bank,
    input  logic [           INDEX_BITS-1:0] add_base,     // subset row of LUT entry 0
    input  logic [           INDEX_BITS-1:0] add_entries,  // LUT entries in this pass
    input  logic [                   OW-1:0] add_outputs,  // outputs of the block
    input  logic [                   RW-1:0] add_row,
    input  logic [         ACCUMULATORS-1:0] add_lanes,    // lanes with an output in this row
    output logic                             add_more,     // this PE needs another cycle
    // Drain.
    input  logic [                   RW-1:0] drain_row,
    output logic [ACCUMULATORS*SUM_BITS-1:0] drain_sums
);
  // verilator no_inline_module

  // --- index registers ---
  logic [OUTPUTS*INDEX_BITS-1:0] sets[0:REGISTER_SETS-1];
  logic [OUTPUTS*INDEX_BITS-1:0] indices;
  for (genvar s = 0; s < REGISTER_SETS; s++) begin : g_set
    logic [OUTPUTS*INDEX_BITS-1:0] held;
    always_ff @(posedge clk) begin
      if (load && load_set == SW'(s)) begin
        for (int o = 0; o < OUTPUTS; o++) begin
          if (load_slots[o]) held[o*INDEX_BITS+:INDEX_BITS] <= load_indices[o*INDEX_BITS+:INDEX_BITS];
        end
      end
    end
    assign sets[s] = held;
  end
  assign indices = sets[read_set];

  // --- Dot9 ---
  logic [DOT_WIDTH-1:0] own_kernel;
  logic [ DOT_BITS-1:0] product;
  dot #(
      .WIDTH(DOT_WIDTH)
  ) i_dot (
      .window,
      .valid,
      .kernel(own_kernel),
      .product
  );
  if (TABLE && BYPASS) begin : g_either
    assign own_kernel = direct ? DOT_WIDTH'(indices[direct_slot*INDEX_BITS+:INDEX_BITS]) : kernel;
  end else if (BYPASS) begin : g_direct
    assign own_kernel = DOT_WIDTH'(indices[direct_slot*INDEX_BITS+:INDEX_BITS]);
  end else begin : g_subset
    assign own_kernel = kernel;
  end

  // --- outputs to add, and their LUT entries ---
  logic [   ACCUMULATORS-1:0] found;
  logic [ACCUMULATORS*OW-1:0] slots;
  logic [ACCUMULATORS*EW-1:0] entries;
  if (TABLE && PASSES > 1) begin : g_picked
    picker #(
        .OUTPUTS(OUTPUTS),
        .PORTS(ACCUMULATORS),
        .INDEX_BITS(INDEX_BITS)
    ) i_picker (
        .clk,
        .pick(add && enable),
        .begins(add_begins),
        .base(add_base),
        .entries(add_entries),
        .outputs(add_outputs),
        .indices,
        .found,
        .slots,
        .more(add_more)
    );
    for (genvar a = 0; a < ACCUMULATORS; a++) begin : g_entry
      assign entries[a*EW+:EW] =
          EW'(indices[slots[a*OW+:OW]*INDEX_BITS+:INDEX_BITS] - add_base);
    end
  end else begin : g_in_order
    assign found    = add_lanes;
    assign slots    = '0;  // every lane adds in add_row
    assign add_more = 1'b0;
    for (genvar a = 0; a < ACCUMULATORS; a++) begin : g_entry
      assign entries[a*EW+:EW] =
          EW'(indices[(add_row*ACCUMULATORS+a)*INDEX_BITS+:INDEX_BITS]);
    end
  end

  // --- LUT ---
  logic [ACCUMULATORS*DOT_BITS-1:0] fetched;
  if (TABLE) begin : g_table
    lut #(
        .ENTRIES(LUT_ENTRIES),
        .BANKS  (LUT_BANKS),
        .PORTS  (ACCUMULATORS),
        .BITS   (DOT_BITS)
    ) i_lut (
        .clk,
        .write(fill),
        .write_bank(fill_bank),
        .write_entry(fill_entry),
        .write_data(product),
        .read_bank(add_bank),
        .read_entries(entries),
        .read_data(fetched)
    );
  end else begin : g_no_table
    assign fetched = '0;
  end

  // --- accumulators and partial-sum buffer ---
  logic bypass;
  assign bypass = BYPASS && direct;
  if (TABLE && PASSES > 1) begin : g_any_order
    logic [         ACCUMULATORS-1:0] adding;
    logic [      ACCUMULATORS*OW-1:0] add_slots;
    logic [ACCUMULATORS*DOT_BITS-1:0] products;
    assign adding    = !enable ? '0 : bypass ? ACCUMULATORS'(1) : found;
    assign add_slots = bypass ? (ACCUMULATORS * OW)'(direct_slot) : slots;
    assign products  = bypass ? (ACCUMULATORS * DOT_BITS)'(product) : fetched;
    line_buffer #(
        .OUTPUTS (OUTPUTS),
        .PORTS   (ACCUMULATORS),
        .DOT_BITS(DOT_BITS),
        .SUM_BITS(SUM_BITS)
    ) i_line_buffer (
        .clk,
        .add(adding),
        .first(add_first),
        .slots(add_slots),
        .products(products),
        .drain_row,
        .drain_sums
    );
  end else begin : g_lanes
    for (genvar a = 0; a < ACCUMULATORS; a++) begin : g_lane
      // The last lanes have one row less if the lanes do not divide the sums evenly.
      localparam int LANE_ROWS = (PARTIAL_SUMS - a + ACCUMULATORS - 1) / ACCUMULATORS;
      localparam int LW = LANE_ROWS > 1 ? $clog2(LANE_ROWS) : 1;
      accumulator #(
          .ROWS(LANE_ROWS),
          .DOT_BITS(DOT_BITS),
          .SUM_BITS(SUM_BITS)
      ) i_accumulator (
          .clk,
          .add(enable && (bypass ? direct_lane[a] : TABLE && add && found[a])),
          .first(add_first),
          .row(LW'(bypass ? direct_row : add_row)),
          .product(bypass ? product : fetched[a*DOT_BITS+:DOT_BITS]),
          .drain_row(LW'(drain_row)),
          .drain_sum(drain_sums[a*SUM_BITS+:SUM_BITS])
      );
    end
  end
endmodule
