// The array: PEs, adder tree, buffers, and four control units: dot units, index fetch, accumulators
// and drain. The controls observe each other only through counters: filled banks, filled sets of
// index registers, and output tiles that are complete but not drained.
//
// A unit begins a command in the first cycle after the last event that it waits for. Counters
// change at the end of a command's last cycle, and `begins` is combinational.
module accelerator
  import machine::*;
#(
    parameter  int PES          = 64,
    parameter  int DOT_WIDTH    = 9,
    parameter  int LUT_ENTRIES  = 32,
    parameter  int LUT_BANKS    = 2,
    parameter  int REGISTER_SETS = 2,
    parameter  int ACCUMULATORS = 4,
    parameter  int PARTIAL_SUMS = 128,
    parameter  int PASSES       = 1,
    localparam int SUM_BITS     = 16
) (
    input  logic                                 clk,
    input  logic                                 start,          // one cycle before the first
    input  layer_t                               layer,
    input  logic                                 inputs_there,   // DMA has brought the inputs
    input  logic                                 indices_there,  // and indices of step 0
    output logic                                 done,
    // Sums, a row of the partial-sum buffer per cycle.
    output logic                                 out_valid,
    output word_t                                out_pixel,      // index of the first pixel
    output word_t                                out_channel,    // channel of lane 0
    output logic   [           ACCUMULATORS-1:0] out_lanes,
    output logic   [                    PES-1:0] out_taps,       // the last PE of each pixel
    output logic   [PES*ACCUMULATORS*SUM_BITS-1:0] out_sums,     // [lane][PE]
    // For the test bench: first and last cycle of every command.
    output logic                                 dot_begins,
    output logic                                 dot_ends,
    output logic                                 fetch_begins,
    output logic                                 fetch_ends,
    output word_t                                add_skips,
    output logic                                 add_begins,
    output logic                                 add_ends,
    output logic                                 drain_begins,
    output logic                                 drain_ends
);
  localparam int INDEX_BITS = DOT_WIDTH;
  localparam int ROWS = (PARTIAL_SUMS + ACCUMULATORS - 1) / ACCUMULATORS;
  localparam int OUTPUTS = PARTIAL_SUMS;
  localparam int BW = LUT_BANKS > 1 ? $clog2(LUT_BANKS) : 1;
  localparam int FW = $clog2(LUT_BANKS + 1);
  localparam int SW = REGISTER_SETS > 1 ? $clog2(REGISTER_SETS) : 1;
  localparam int CW = $clog2(REGISTER_SETS + 1);
  localparam int EW = LUT_ENTRIES > 1 ? $clog2(LUT_ENTRIES) : 1;
  localparam int RW = ROWS > 1 ? $clog2(ROWS) : 1;
  localparam int OW = $clog2(OUTPUTS + 1);

  logic direct;
  assign direct = layer.direct[0];

  // --- counters that the units share ---
  logic [FW-1:0] filled;  // banks that are filled but not yet read
  logic [CW-1:0] sets;  // sets of index registers that are filled but not yet free
  logic [SW-1:0] reads_set;  // the oldest of these sets
  logic [1:0] tiles_done;  // output tiles that are complete but not yet drained
  logic sums_free;

  // After a drain has begun, sums may be overwritten in the order in which they leave. LUT passes
  // add them in another order.
  assign sums_free = layer.passes > 1 && !direct ? tiles_done == 0 : tiles_done <= 1;

  // --- dot units ---
  logic dot_active;
  place_t dot_at, dot_next;
  word_t dot_count, dot_row, dot_lane;
  logic [BW-1:0] fill_bank;
  dot_control #(
      .LUT_BANKS(LUT_BANKS),
      .ACCUMULATORS(ACCUMULATORS)
  ) dots (
      .clk,
      .start,
      .layer,
      .inputs_there,
      .bank_free(filled - add_skipped < FW'(LUT_BANKS)),
      .indices_ready(sets != 0),
      .sums_free,
      .begins(dot_begins),
      .active(dot_active),
      .ends(dot_ends),
      .at(dot_at),
      .next(dot_next),
      .count(dot_count),
      .bank(fill_bank),
      .row(dot_row),
      .lane(dot_lane)
  );

  // --- accumulators ---
  logic add_active, add_last_of_set, add_last_of_tile, more, skips_set, skips_tile;
  logic [FW-1:0] add_skipped;
  logic [SW-1:0] add_set;
  logic [REGISTER_SETS*PASSES-1:0] used;
  place_t add_at;
  logic [BW-1:0] add_bank;
  word_t add_row;
  accumulate_control #(
      .LUT_BANKS(LUT_BANKS),
      .ACCUMULATORS(ACCUMULATORS),
      .REGISTER_SETS(REGISTER_SETS),
      .PASSES(PASSES)
  ) adds (
      .clk,
      .start(start || direct),
      .layer,
      .filled,
      .sets,
      .reads_set,
      .used,
      .sums_free,
      .more,
      .begins(add_begins),
      .active(add_active),
      .ends(add_ends),
      .skips(add_skipped),
      .skips_set,
      .skips_tile,
      .set(add_set),
      .at(add_at),
      .last_of_set(add_last_of_set),
      .last_of_tile(add_last_of_tile),
      .bank(add_bank),
      .row(add_row)
  );
  assign add_skips = word_t'(add_skipped);

  // --- drain ---
  logic drain_active;
  word_t drain_row;
  drain_control #(
      .ACCUMULATORS(ACCUMULATORS)
  ) drain (
      .clk,
      .start,
      .layer,
      .tile_complete(tiles_done != 0 || skips_tile),
      .begins(drain_begins),
      .active(drain_active),
      .ends(drain_ends),
      .done,
      .row(drain_row),
      .lanes(out_lanes),
      .channel(out_channel),
      .pixel(out_pixel)
  );
  assign out_valid = drain_active;

  // --- index fetch ---
  logic fetch_active, arrives;
  logic [SW-1:0] fetch_set;
  place_t fetch_at, fetch_next;
  word_t fetch_outputs, fetch_units;
  logic [PES*OUTPUTS-1:0] load_slots;
  logic [PES*OUTPUTS*INDEX_BITS-1:0] load_indices;
  fetch_control #(
      .REGISTER_SETS(REGISTER_SETS)
  ) fetch (
      .clk,
      .start,
      .layer,
      .indices_there,
      .set_free(sets - CW'(skips_set) < CW'(REGISTER_SETS)),
      .arrives,
      .begins(fetch_begins),
      .active(fetch_active),
      .ends(fetch_ends),
      .at(fetch_at),
      .next(fetch_next),
      .set(fetch_set),
      .outputs(fetch_outputs),
      .units(fetch_units)
  );
  index_buffer #(
      .PES(PES),
      .OUTPUTS(OUTPUTS),
      .INDEX_BITS(INDEX_BITS),
      .PASSES(PASSES),
      .REGISTER_SETS(REGISTER_SETS)
  ) weight_tiles (
      .clk,
      .start,
      .layer,
      .begins(fetch_begins),
      .active(fetch_active),
      .ends(fetch_ends),
      .at(fetch_at),
      .next(fetch_next),
      .set(fetch_set),
      .outputs(fetch_outputs),
      .units(fetch_units),
      .arrives,
      .load_slots,
      .load_indices,
      .used
  );

  // --- the counters ---
  function automatic logic [SW-1:0] set_behind(logic [SW-1:0] s, logic moves);
    set_behind = !moves ? s : s == SW'(REGISTER_SETS - 1) ? '0 : s + 1;
  endfunction
  logic dot_step_ends, releases, completes;
  assign dot_step_ends = dot_ends && (direct || dot_at.pass + 1 == layer.passes);
  assign releases = direct ? dot_ends && last_use(nest_of(layer), dot_at)
                           : add_ends && add_last_of_set;
  assign completes = direct ? dot_ends && dot_at.group + 1 == layer.groups
                            : add_ends && add_last_of_tile;
  always_ff @(posedge clk) begin
    if (start) begin
      filled     <= '0;
      sets       <= '0;
      reads_set  <= '0;
      tiles_done <= '0;
    end else begin
      filled <= filled + FW'(dot_ends && !direct) - FW'(add_ends) - add_skipped;
      sets <= sets + CW'(fetch_ends) - CW'(releases) - CW'(skips_set);
      reads_set <= set_behind(set_behind(reads_set, skips_set), releases);
      tiles_done <= tiles_done + 2'(completes) + 2'(skips_tile) - 2'(drain_ends);
    end
  end

  // --- inputs ---
  logic [PES*DOT_WIDTH-1:0] windows, valids;
  logic [DOT_WIDTH-1:0] kernel;
  activation_buffer #(
      .PES(PES),
      .DOT_WIDTH(DOT_WIDTH)
  ) activations (
      .clk,
      .start,
      .layer,
      .advance(dot_step_ends),
      .at(dot_at),
      .next(dot_next),
      .windows,
      .valids
  );
  word_t subset_row;
  assign subset_row = pass_base(layer, dot_at.pass) + dot_count;
  subset_buffer #(
      .DOT_WIDTH(DOT_WIDTH)
  ) subsets (
      .address(9'(subset_row)),
      .kernel
  );

  // --- PEs ---
  word_t add_outputs, units;
  logic [ACCUMULATORS-1:0] add_lanes, direct_lane;
  logic [PES-1:0] enabled, mores, pixel_begins;
  logic [PES*ACCUMULATORS*SUM_BITS-1:0] drained;  // [PE][lane]
  assign add_outputs = block_outputs(layer, add_at);
  assign units = group_units(layer, direct ? dot_at : add_at);
  assign more = |mores;
  for (genvar a = 0; a < ACCUMULATORS; a++) begin : g_lane
    assign add_lanes[a] = add_row * word_t'(ACCUMULATORS) + word_t'(a) < add_outputs;
    assign direct_lane[a] = direct && dot_active && dot_lane == word_t'(a);
  end

  for (genvar p = 0; p < PES; p++) begin : g_pe
    pe #(
        .DOT_WIDTH(DOT_WIDTH),
        .INDEX_BITS(INDEX_BITS),
        .LUT_ENTRIES(LUT_ENTRIES),
        .LUT_BANKS(LUT_BANKS),
        .REGISTER_SETS(REGISTER_SETS),
        .ACCUMULATORS(ACCUMULATORS),
        .PARTIAL_SUMS(PARTIAL_SUMS),
        .PASSES(PASSES),
        .SUM_BITS(SUM_BITS)
    ) i_pe (
        .clk,
        .enable(enabled[p]),
        .load(fetch_active),
        .load_set(fetch_set),
        .load_slots(load_slots[p*OUTPUTS+:OUTPUTS]),
        .load_indices(load_indices[p*OUTPUTS*INDEX_BITS+:OUTPUTS*INDEX_BITS]),
        .read_set(direct ? reads_set : add_set),
        .window(windows[p*DOT_WIDTH+:DOT_WIDTH]),
        .valid(valids[p*DOT_WIDTH+:DOT_WIDTH]),
        .kernel,
        .fill(dot_active && !direct),
        .fill_bank,
        .fill_entry(EW'(dot_count)),
        .direct(direct && dot_active),
        .direct_slot(OW'(dot_count)),
        .direct_row(RW'(dot_row)),
        .direct_lane,
        .add(add_active),
        .add_begins,
        .add_first(direct ? dot_at.group == 0 : add_at.group == 0),
        .add_bank,
        .add_base(INDEX_BITS'(pass_base(layer, add_at.pass))),
        .add_entries(INDEX_BITS'(pass_entries(layer, add_at.pass))),
        .add_outputs(OW'(add_outputs)),
        .add_row(RW'(add_row)),
        .add_lanes,
        .add_more(mores[p]),
        .drain_row(RW'(drain_row)),
        .drain_sums(drained[p*ACCUMULATORS*SUM_BITS+:ACCUMULATORS*SUM_BITS])
    );
  end

  // --- the unit and the pixel of each PE ---
  always_comb begin
    word_t unit, slot;
    unit = 0;
    slot = 0;
    for (int p = 0; p < PES; p++) begin
      pixel_begins[p] = unit == 0;
      enabled[p]      = unit < units && slot < layer.step_pixels;
      unit            = unit + 1;
      out_taps[p]     = 1'b0;
      if (unit == layer.pixel_pes) begin
        out_taps[p] = slot < layer.step_pixels && slot < layer.pixels - out_pixel;
        unit        = 0;
        slot        = slot + 1;
      end
    end
  end

  // --- adder trees, one per lane ---
  for (genvar a = 0; a < ACCUMULATORS; a++) begin : g_tree
    logic [PES*SUM_BITS-1:0] sums;
    for (genvar p = 0; p < PES; p++) begin : g_pe
      assign sums[p*SUM_BITS+:SUM_BITS] = drained[(p*ACCUMULATORS+a)*SUM_BITS+:SUM_BITS];
    end
    adder_tree #(
        .PES (PES),
        .BITS(SUM_BITS)
    ) i_tree (
        .begins(pixel_begins),
        .sums,
        .joined(out_sums[a*PES*SUM_BITS+:PES*SUM_BITS])
    );
  end
endmodule
