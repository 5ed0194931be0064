{{ stage_entity('fx_rates', [as_delivered('fx_rates')]) }}
