extension Senders {
    static let stripe = Preset(
        "stripe", .source,
        #"""
        # Stripe: payments, invoices and subscriptions.
        # Formats: https://docs.stripe.com/api/events/object, .../api/events/types and docs.stripe.com/currencies (units of amounts)
        # `signature: { secret: whsec_… }` takes the signing secret of the endpoint.
        type: webhook
        id: stripe
        if_given:
          signature: { signature: { scheme: stripe } }
        normalise:
          cases:
            - set:
                title: "{{ .payload.type }}"
                # The amount in units of its currency, and what is known about it. Some currencies have no smaller unit, and some
                # have a thousand; amounts of ISK and UGX have two decimals that are always 00.
                message:
                  from: >-
                    .payload.data.object
                    | (if (.amount_refunded // 0) > 0 then .amount_refunded else .amount_due // .amount_total // .amount end
                        | if type == "number" then . else null end) as $sum
                    | (.currency // "" | ascii_upcase) as $name
                    | (if "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF" | contains($name) then 1
                      elif "BHD JOD KWD OMR TND" | contains($name) then 1000
                      else 100 end) as $unit
                    | (if $unit == 1 then $sum | tostring
                      else (if $sum < 0 then "-" else "" end)
                        + ($sum // 0 | fabs | "\(. / $unit | floor).\(. % $unit + $unit | tostring | .[1:])") end) as $text
                    | [(if $sum == null or $name == "" then null else $text + " " + $name end), .status,
                      (.failure_message // .last_payment_error.message // .reason), .description,
                      (.customer_email // .email // .billing_details.email), .id]
                    | map(strings | select(. != "")) | join(", ")
                  default: "{{ .payload.type }}"
                priority:
                  from: .payload.type
                  map: { payment_intent.payment_failed: 4, charge.failed: 4, invoice.payment_failed: 4, invoice.payment_action_required: 4, invoice.finalization_failed: 4, invoice.marked_uncollectible: 4, setup_intent.setup_failed: 4, checkout.session.async_payment_failed: 4, payout.failed: 4, refund.failed: 4, charge.dispute.created: 5, charge.dispute.funds_withdrawn: 4, radar.early_fraud_warning.created: 5 }
                  default: 3
                tags: [stripe, "{{ .payload.type }}"]
                id: { from: .payload.id }
                timestamp: { from: .payload.created }
        """#)
}
